from smshub.quickstart.up import entry

entry()
