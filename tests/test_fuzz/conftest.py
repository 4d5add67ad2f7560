"""Says how many inputs were tried."""
from strategies import COUNTED


def pytest_terminal_summary(terminalreporter, config):
    seed = config.getoption('--hypothesis-seed', None)
    for family, count in sorted(COUNTED.items()):
        terminalreporter.write_line(f'fuzz {family}: {count} inputs, ' + (
            f'seed {seed}' if seed else 'the same in every run'))
