"""Other systems are told of events as they come to count: signed, in order, again until they took them."""
