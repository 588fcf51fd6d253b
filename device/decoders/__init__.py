"""One pure module per MQTT dialect: bytes of a message in, signals out."""
