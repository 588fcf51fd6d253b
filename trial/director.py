"""What happens on a stage besides what people record: the network, the machines, the clocks, the sensors."""

import msgspec

from sync.problems import NO_CONNECTION, UNSENT, Problem
from trial import changes as do
from trial.acts import Signal
from trial.stage import Stage
from trial.steps import AnyStep
from trial.terms import BACKEND
from trial.times import span_ms
from trial.wire import Code, Enrol, Network, Surrender, Synced, SyncNow


class Director:
    """Makes the changes of a scenario on its stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def change(self, step: AnyStep) -> str:
        """The change is made; given is what there is to say of it. Raises what kept it from being made."""
        stage = self._stage
        match step:
            case do.GoOffline() | do.GoOnline():
                for device in step.devices:
                    stage.go(device, online=isinstance(step, do.GoOnline))
            case do.LoseRequest() | do.LoseReply() | do.Duplicate() | do.Reorder():
                stage.host(step.device).ask(_fault(step))
            case do.Kill():
                stage.kill(step.host, at=step.when)
            case do.Restart():
                stage.restart(step.host)
            case do.ClockShift():
                stage.shift_clock(step.host, span_ms(step.by))
            case do.Backup():
                stage.copy(step.host, step.id)
            case do.Restore():
                stage.put_back(step.backup)
            case do.Clone() | do.Enrol() | do.Surrender():
                return self._device(step)
            case Signal():
                stage.publish(step)
            case do.Sync():
                return self._sync(step)
        return ""

    def _device(self, step: do.Clone | do.Enrol | do.Surrender) -> str:
        match step:
            case do.Clone():
                self._stage.clone(step.device)
            case do.Enrol():
                code: str = self._stage.host(BACKEND).ask(Code(device=step.device))
                self._stage.host(step.device).ask(Enrol(code=code))
                return self._sync_one(step.device, 1)
            case do.Surrender():
                if not self._stage.host(step.device).ask(Surrender()):
                    raise Problem(UNSENT, step.device)
        return ""

    def _sync(self, step: do.Sync) -> str:
        """One device after the other; NO_CONNECTION where none of them got through."""
        names = step.devices or tuple(self._stage.reachable())
        troubles = {name: trouble for name in names if (trouble := self._sync_one(name, step.tries))}
        told = ", ".join(f"{name}: {trouble}" for name, trouble in troubles.items())
        if names and len(troubles) == len(names):
            raise Problem(NO_CONNECTION, told)
        return told

    def _sync_one(self, name: str, tries: int) -> str:
        """How the last of so many tries ended: "" when all was said."""
        trouble = ""
        for _ in range(tries):
            synced = msgspec.convert(self._stage.host(name).ask(SyncNow()), Synced)
            self._stage.note_link(name, synced)
            trouble = synced.trouble
            if not trouble:
                break
        return trouble


def _fault(step: do.LoseRequest | do.LoseReply | do.Duplicate | do.Reorder) -> Network:
    match step:
        case do.LoseRequest():
            return Network(lose_requests=step.count, of=step.of)
        case do.LoseReply():
            return Network(lose_replies=step.count, of=step.of)
        case do.Duplicate():
            return Network(copies=step.copies)
        case do.Reorder():
            return Network(hold_up=True)
