"""Dictionary 1: what an inflater is taken to have read before a handover code's events (RFC 1951 knows none).

Written by fixtures/qr/build.py from the shapes of custody events and usual texts of handovers; the
codes in circulation rest on every byte of it, so it never changes: another dictionary is another
version of the code.
"""
# ruff: noqa: RUF001 - Arabic letters are Arabic letters here

from typing import Final

DICTIONARY_1: Final = (
    "\nتم استبدال المضخة\nتم إصلاح العطل\nلا يوجد تيار كهربائي\nفي انتظار قطع الغيار\nتم إبلاغ العميل\nإذا "
    "ارتفعت الحرارة\nأغلق الصمام\nاتصل بالمكتب\nقبل نهاية اليوم\nالجهاز متوقف عن العمل\nتم الفحص والتنظيف\n"
    "wymieniono filtr i uszczelkę\npompa nie pracuje\nsprawdzono ciśnienie i temperaturę\nzamówiono części "
    "zamienne\nklient został poinformowany\njeśli temperatura wzrośnie powyżej\nzamknąć zawór i zadzwonić "
    "do dyspozytora\nnależy sprawdzić\ndo końca zmiany\nbrak zasilania\nnaprawa zakończona\nczeka na część z "
    "magazynu\nurządzenie wyłączone z ruchu\nAnlage steht seit heute Morgen\nPumpe getauscht und geprüft\n"
    "Filter gereinigt, Dichtung erneuert\nDruck und Temperatur gemessen\nKunde ist informiert\nErsatzteil "
    "ist bestellt, kommt morgen\nwenn der Druck unter 1 bar fällt\ndann Ventil schließen und Leitstelle "
    "anrufen\nSchlüssel liegt beim Hausmeister\nSicherung ausgelöst, Ursache noch offen\nUndichtigkeit "
    "gefunden am Anschluss\nnach der Reparatur Probelauf machen\nwartet auf Freigabe durch den Kunden\n"
    "Störung behoben, läuft wieder\nProtokoll übergeben\nbis zum Ende der Schicht\nvor Ort, Zugang über den "
    "Hof\nnicht in Betrieb nehmen\nWartung nach Plan durchgeführt because the  has been  have been  was "
    "not  is not  does not  did not  cannot be  could not be  until the  before the  after the  at the  "
    "on the  in the  of the  to the  from the  for the  with the  by the  and the  without the  between "
    "the  under the  is open, is closed, is leaking, is blocked, is broken, is worn, is missing, is "
    "dirty, is too low, is too high, is due degrees minutes hours days weeks percent bar mbar litres "
    "metres mm kW kWh V A Hz Nm l/min m3/h left right upper lower front rear inner outer first second "
    "third main new old spare both other next last same Monday Tuesday Wednesday Thursday Friday "
    "Saturday Sunday today tomorrow yesterday morning evening night\naccessory adapter aerial air "
    "conditioning antenna arrived authority bracket breaker brake broken bulb burner busbar\ncapacitor "
    "carriage casing chain circuit clamp clogged coil collector combustion compressor condenser "
    "connection contactor\ncontractor coolant corrosion coupling crack crane cylinder damage deadline "
    "delay delivered diagnosis diaphragm display\ndistribution drainage ducts earthing electrician "
    "elevator emergency enclosure engine engineer equipment escalator exhaust\nexchanger external failure "
    "fastened fitting flange flooded foundation frequency frozen fused gateway gauge gearbox\ngenerator "
    "glass grounding guard gutter handle hazard heat pump heating hose housing humidity hydraulic "
    "impeller indicator\ninspection installation insulated insulation interlock intermittent isolator "
    "junction keypad kitchen ladder lamp landing\nlaundry leakage lever lighting limit switch lubricated "
    "machine magnet maintenance manifold manometer mast meter missing\nmodule monitoring motor mounting "
    "network nozzle obstructed occupied office operator outlet overheated oven overload\npacking panel "
    "parking pedestal permit phase pipe piston platform plug pneumatic portal power supply preheater "
    "pressure\nprinter probe processor programme propeller protection pulley quality radiator ramp "
    "rectifier refrigeration regulator\nrelay remote reservoir resistance retaining router safety valve "
    "scaffold screen sealed sensor server shaft shock shutter\nsignal siren socket software solenoid "
    "spindle splice spring sprinkler stairs starter station storage strainer strap\nsubstation suction "
    "supplier surge suspended switchboard tank tenant terminal thermostat threshold timer torque tower\n"
    "transformer transmission treatment turbine unit upstairs vacuum valve vapour ventilation vessel "
    "vibration voltage warehouse\nwasher waste water weld wheel winch winding window wireless wiring "
    "workshop Air conditioning in the server room failed at 05:20, room is at 31 degrees. Leak found at "
    "the coupling of the return pipe, 12 litres of water lost. Refrigerant is low, pressure on the "
    "suction side is 1.9 bar, leak is not found yet. Lift stopped between floors, two people were freed, "
    "safety gear is engaged. Door does not lock after closing, motor draws too much current and gets "
    "hot. Cable was damaged by construction work, 24 of 96 lines are connected again, the others are "
    "open. Connection is down since 14:10, signal level is below the limit, splice is broken. Freezer "
    "shows 4 degrees since last night, fan is iced up, defrost does not start. Solar system feeds in 30 "
    "percent less, one string is isolated, connector burnt. Pump 2 blocked, pump 1 runs hot and draws 18 "
    "A, level in the tank is 1.7 m and rising. Fire alarm system reports a fault in zone 2, fire brigade "
    "and insurer are informed. Smoke detector gives false alarms, zone was switched off at the panel. "
    "Charging station ends the session after one minute, residual current device trips. Automatic door "
    "stopped halfway, belt is torn, rail is bent, roller is worn. Boiler locks out with fault E12, no "
    "flame, ignition electrode is worn. Tenants have no hot water. Gas pressure is 20 mbar, exhaust gas "
    "measured, values are too high. Conveyor stops every ten minutes with overload, bearing is hot, belt "
    "runs to the left. Machine 4 runs again at reduced speed, drive shows a warning, limit was raised to "
    "12 A. Steam valve does not close, test failed twice, door seal is cracked. Vacuum pump does not "
    "reach the end pressure, oil must be changed. Inverter reports an insulation fault when it rains. "
    "Motor is hot at 92 degrees, bearing is noisy, grease was old. System is running on the spare unit, "
    "main unit is out of order. Battery is at 24.6 V and does not hold the charge. Everything was put "
    "back, area is clean, customer has signed. Left over from the last shift: one site open, two parts "
    "on order. No power in the building since this morning. The unit has been out of service since "
    "yesterday evening. Heat pump in the basement stopped with a high pressure fault. Cold room 3 does "
    "not get below 8 degrees, compressor runs all the time. Customer reports noise and vibration from "
    "the fan on the roof. Water is leaking from the joint under the sink, main valve is closed. "
    "Escalator stops after a few minutes, comb plate switch trips. Barrier at the car park stays open, "
    "loop detector was damaged. Ventilation unit on the third floor is switched off because the belt is "
    "worn. Card terminal does not connect, router was restarted twice. Generator starts but does not "
    "take the load. Two of four lights in the stairwell are dark, driver is defective. Emergency "
    "lighting failed the yearly test, batteries are old. Coffee machine in the canteen leaks, seal is "
    "brittle. Dishwasher does not heat, element has an open circuit. Oven door does not close, hinge was "
    "bent. Crane stops in the middle of the hall, cable drum jammed. Compressor loses oil, level is "
    "below the minimum mark. Smart meter exchanged, old reading 41233 kWh, new reading 0 kWh. Sewage "
    "pump trips the breaker, insulation is below 1 megaohm. Sprinkler valve is leaking, zone is isolated,"
    " the guard knows about it. Street cabinet was hit by a car, door cannot be locked. Fault found and "
    "repaired, test run is still to do. Annual service done, all values within limits, report is signed. "
    "Installation is half done, cable is laid, the device is not connected yet. Boiler shows low water "
    "pressure, expansion vessel was empty. The alarm was reset twice and came back after ten minutes. "
    "The part that was delivered does not fit, the right one is on order. Nobody was on site, access was "
    "not possible, key is missing. Job goes from the depot to the technician with all parts loaded. Work "
    "order for tomorrow: replace the pump and check the pressure. Goods are picked and loaded, one item "
    "is short. Temporary repair done, runs at reduced speed, not to be left for more than one week.,"
    '"result":"exchanged, test run without fault,"result":"exchanged left and right, adjusted,'
    '"result":"opened and dried,"result":"opened, contact burnt,"result":"lifted and cleared, one part '
    'is cracked,"result":"locked out and tagged, key is at reception,"result":"removed, length and type '
    'noted,"result":"found damaged, cut back and joined again,"result":"measured, open circuit,'
    '"result":"measured, loss below 0.2 dB,"result":"holds 10 bar for 20 minutes,"result":"reaches 60 '
    'mbar, unchanged,"result":"set to 5 mm,"result":"set to 45 percent,"result":"pumped dry and fenced '
    'off,"result":"thawed, drain is free,"result":"updated, no change,"result":"passed the load test,'
    '"result":"done, the others are still open,"result":"ordered, arrives tomorrow before noon,'
    '"result":"door seal, drain pump, fan motor, guide rail, light curtain, tail pulley, vacuum pump, '
    'ignition electrode, expansion valve,"result":"main switch, float switch, socket, string cable, '
    'connector, splice closure, control panel, drive, battery, firmware,"result":"replaced and tested,'
    '"result":"replaced, old one is in the van,"result":"removed and cleaned,"result":"cleaned, no '
    'damage found,"result":"checked, in order,"result":"checked and found dry,"result":"checked for '
    'leaks, tight,"result":"measured, within limits,"result":"measured, 230 V on all three phases,'
    '"result":"measured at 6.2 bar,"result":"tested under load, passed,"result":"tested, works again,'
    '"result":"tightened to 40 Nm,"result":"adjusted and locked,"result":"reset, fault did not come back,'
    '"result":"reset, fault came back after an hour,"result":"switched off and locked out,'
    '"result":"switched on again, runs quietly,"result":"isolated and labelled,"result":"bled and '
    'refilled,"result":"drained and flushed,"result":"filled to 1.8 bar,"result":"greased, noise is gone,'
    '"result":"wired and labelled,"result":"disconnected and made safe,"result":"fixed with a temporary '
    'clamp,"result":"software updated, version checked,"result":"settings restored from the backup,'
    '"result":"photo taken before and after,"result":"serial number recorded,"result":"not found, asked '
    'the caretaker,"result":"inlet filter, main fuse, circuit breaker, drive belt, door switch, control '
    'board, power supply, gas valve, air filter,"result":"temperature sensor, pressure switch, safety '
    'valve, circulation pump, heating element, water meter, cable gland, contactor{"what":"no restart '
    'before the part is replaced{"what":"no work on the roof in wind or rain{"what":"goods are moved to '
    'the other room{"what":"goes first, contract class 1{"what":"stays off until tomorrow{"what":"runs '
    'at 50 percent until the end of the shift{"what":"line 2 takes over{"what":"guard walks round every '
    'hour{"what":"tanker ordered for the weekend{"what":"new part takes two weeks{"what":"basis: '
    "measured value, load is below the limit, insurer demands it, site safety rules, no spare until "
    'Monday{"what":"leave it switched off until the part is here{"what":"run in manual mode until '
    'tomorrow{"what":"customer agreed on the phone{"what":"agreed with the site manager{"what":"agreed '
    'with the tenant{"what":"safety rule of the site{"what":"no spare part in the van{"what":"warranty '
    'of the manufacturer{"what":"production must not stop{"what":"repair instead of '
    'replacement{"what":"replacement is cheaper than repair{"what":"second technician is '
    'needed{"what":"must not be restarted[{"what":"change the bearing and align the belt[{"what":"change '
    'the oil and repeat the test[{"what":"replace the socket and do the insulation test[{"what":"fit the '
    'valve and put the pump back[{"what":"fit belt and roller, run ten cycles[{"what":"evacuate and '
    'charge with refrigerant[{"what":"splice the rest and close the cabinet[{"what":"replace two '
    'connectors and 5 m of cable[{"what":"check the zone for water and switch it on again[{"what":"set '
    'the parameters and watch it for half an hour[{"what":"measure at full load and hand over the '
    'report[{"what":"put the second unit into operation[{"what":"listen for noise and grease it after '
    'one week[{"what":"fit the new part and do a test run[{"what":"install the new pump and bleed the '
    'system[{"what":"order the spare part and tell the customer when it comes[{"what":"replace the '
    'filter and reset the counter[{"what":"check the pressure again after one hour[{"what":"measure the '
    'current on all phases[{"what":"call the customer before you arrive[{"what":"return the old part to '
    'the depot[{"what":"take photos of the nameplate and the wiring[{"what":"finish the wiring and '
    'switch it on[{"what":"close the cover and remove the barrier[{"what":"write the report and get the '
    'signature[{"what":"hand over the keys at reception[{"what":"clean up and take the waste with '
    'you[{"what":"repeat the test and record the values[{"what":"come back with two people and a ladder",'
    '"then":"the level rises above 2 m","then":"the room gets warmer than 28 degrees","then":"the '
    'bearing gets hotter than 90 degrees","then":"the second unit fails as well","then":"someone removes '
    'the barrier","then":"rain gets into the cabinet","then":"it ices up again before that","then":"it '
    'trips again with the new part","then":"the reading is above the limit","then":"open the bypass and '
    'call the site manager","then":"open the switch first and wait five minutes","then":"stop the line '
    'and pull the plug","then":"shut the gas valve and do not restart","then":"start the pump and close '
    'the gate","then":"set it to open and lock it at closing time","then":"ring the duty number, it is '
    'on the panel","then":"leave the door open and switch off for one hour","then":"swap the module and '
    'note the serial number","then":"the pressure falls below 1 bar","then":"the temperature rises above '
    '80 degrees","then":"the temperature is above 8 degrees for more than one hour","then":"the fault '
    'comes back","then":"the alarm sounds again","then":"the breaker trips again","then":"the pump '
    'stops","then":"the fan does not start","then":"water is leaking again","then":"the noise comes '
    'back","then":"the part does not fit","then":"nobody is on site","then":"it smells of gas or '
    'burning","then":"the power fails during the night","then":"close the main valve and call the desk",'
    '"then":"close the valve and call the site manager","then":"switch off the unit and call the on-call '
    'engineer","then":"switch it off, wait ten minutes and start again","then":"stop and inform the '
    'dispatcher","then":"stop the machine and lock it out","then":"do not restart, call the '
    'manufacturer","then":"do not touch, it is live","then":"do not open the cover","then":"use the '
    'bypass until the part is replaced","then":"move the goods to the other cold room","then":"inform '
    'the customer and the caretaker","then":"leave the building and call the fire brigade[{"on":"valve '
    'by courier[{"on":"bearing and tool from the workshop[{"on":"heater from the central '
    'store[{"on":"refrigerant from the depot[{"on":"contact from the manufacturer[{"on":"platform booked '
    'by the customer[{"on":"traffic permit from the town[{"on":"analyser back from '
    'calibration[{"on":"ceiling access on the second floor[{"on":"quote signed by the '
    'customer[{"on":"spare part from the manufacturer[{"on":"spare part from the depot[{"on":"delivery '
    'of the part by courier[{"on":"permit from the customer[{"on":"permit to work from the '
    'site[{"on":"access to the roof[{"on":"access to the plant room[{"on":"approval of the quote by the '
    'customer[{"on":"key from the caretaker[{"on":"crane booked by the customer[{"on":"scaffold is '
    'built[{"on":"second technician for the lift[{"on":"power is switched off by the network '
    'operator[{"on":"release by the safety '
    "officer2027-01-2028-02-2029-03-2030-04-2026-12-2026-11-:00.000Z:30:00+02:00:15:00+01:00:30:00+01:00:"
    '00:00+01:00{"v":1,"log":"","seq":1,"kind":"job.opened","actor":"",'
    '"at":{"wall":"2026-11-20T10:00:00.000Z","mono":100000,"boot":"","anchor":{"id":"","mono":1000000}},'
    '"body":{"entered":"typed","roster":"1.","party":"","site":"","asset":"","customer":"",'
    '"desired_outcome":"","owner":"","intent":"repair","entitlement":"","channel":"phone",'
    '"priority":"urgent","type":"preventive","trade":"","order":""},"prev":""}{"v":1,"log":"","seq":1,'
    '"kind":"handover.refused","actor":"","at":{"wall":"2026-11-20T10:00:00.000Z","mono":100000,'
    '"boot":"","anchor":{"id":"","mono":1000000}},"body":{"roster":"1.","offer":"","party":"",'
    '"reason":""},"job":"","prev":""}{"v":1,"log":"","seq":1,"kind":"handover.accepted","actor":"",'
    '"at":{"wall":"2026-11-20T10:00:00.000Z","mono":100000,"boot":"","anchor":{"id":"","mono":1000000}},'
    '"body":{"roster":"1.","offer":"","party":"","synthesis":{"words":"","shown":8,"hits":4,"false":1},'
    '"met":"met","policy":"1.","reservations":[{"item":"","counted":0},{"item":"","counted":0}],'
    '"signed_name":""},"job":"","prev":""}{"v":1,"log":"","seq":1,"kind":"handover.offered","actor":"",'
    '"at":{"wall":"2026-11-20T10:00:00.000Z","mono":100000,"boot":"","anchor":{"id":"","mono":1000000}},'
    '"body":{"roster":"1.","basis":"","sender":"","to":["role:technician","role:depot"],'
    '"boundary":"depot-to-technician","policy":"1.","payload":{"priority":"routine",'
    '"state":"not_started","none_known":["risks","dependencies"],"gaps":[{"element":"next_actions",'
    '"reason":""},{"element":"risks","reason":""}]}},"job":"","prev":""}{"v":1,"log":"","seq":1,'
    '"kind":"handover.offered","actor":"","at":{"wall":"2026-11-20T10:00:00.000Z","mono":100000,'
    '"boot":"","anchor":{"id":"","mono":1000000}},"body":{"roster":"1.","basis":"","sender":"","to":[""],'
    '"boundary":"technician-to-technician","policy":"1.","payload":{"priority":"urgent",'
    '"state":"in_progress","summary":"","actions_taken":[{"object":"","result":"replaced",'
    '"evidence":[""]},{"object":"","result":"checked"}],"decisions":[{"what":"","who":"","basis":""}],'
    '"next_actions":[{"what":"replace ","owner":"","due":"2026-11-20T12:00:00+01:00"}],'
    '"risks":[{"if":"the ","then":"call the "}],"dependencies":[{"on":"",'
    '"by":"2026-11-20T15:00:00+01:00"}],"items":[{"id":"","expected":1,"counted":1},{"id":"",'
    '"expected":2,"counted":0}]},"until":"2026-11-20T18:00:00+01:00","stop":"","visit":"","site":"site-"}'
    ',"job":"","prev":""}'
).encode()
"""Readable text, UTF-8; what is met most often stands last, where a reference to it is shortest."""
