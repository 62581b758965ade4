"""What a person can be told about people and consent."""


class ClinicError(Exception):
    """The text may be shown to a person."""


class ConsentMissing(ClinicError):
    pass
