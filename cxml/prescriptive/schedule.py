"""tmp"""


def scheduled_days(*a):
    raise NotImplementedError
