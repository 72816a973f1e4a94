class ConfigError(Exception):
    pass

def load(name):
    settings = {"debug": "yes"}
    try:
        return settings[name]
    except KeyError as error:
        raise ConfigError(f"no setting named {name!r}") from error

def main():
    print("loading")
    print(load("debug"))
    print(load("colour"))
    print("never")

main()
