import os
import random

from tests.proving.folding import fold_in_orders


def test_i7_one_event_set_is_one_fold_whatever_the_order_and_the_parts_it_came_in() -> None:
    orders = 10_000 if os.environ.get("HANDOVER_EXAMPLES") == "soak" else 1_000
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    assert fold_in_orders(orders, random.Random(seed)) == orders
