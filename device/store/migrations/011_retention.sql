-- What is older than the settings say is forgotten: a little at a time, found by when it came.
CREATE INDEX signal_received ON signal (t_recv_ms);
