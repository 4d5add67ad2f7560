"""The noise of FMix and its thresholds, against sums and loops."""
import math

import numpy as np
import pytest
import torch

from mmmix.functional import (low_frequency_images, top_share_masks,
                              two_column_images, two_column_length)

SIZES = [(4, 4), (5, 4), (4, 7), (1, 6), (6, 1)]


def scale(i, j, height, width, delta):
    """1 / f ** delta in units of the longest side, whose wave is the
    slowest."""
    down = min(i, height - i) / height
    across = min(j, width - j) / width
    longest = max(height, width)
    return max(math.hypot(down, across) * longest, 1)**-delta


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('delta', [0, 1.5, 3])
def test_noise_is_a_sum_of_waves(size, delta):
    height, width = size
    noise = torch.randn(2, 2, height, width)
    images = low_frequency_images(noise, delta)
    for image, (real, imaginary) in zip(images, noise.double()):
        for y in range(height):
            for x in range(width):
                total = 0
                for i in range(height):
                    for j in range(width):
                        angle = 2 * math.pi * (i * y / height + j * x / width)
                        total += scale(i, j, height, width, delta) * (
                            real[i, j] * math.cos(angle) -
                            imaginary[i, j] * math.sin(angle))
                assert image[y, x].item() == pytest.approx(
                    float(total) / (height * width), abs=1e-5)


@pytest.mark.parametrize('size', [(4, 4), (5, 4), (4, 7), (6, 2), (3, 5)])
def test_two_columns_as_the_public_code_takes_them(size):
    """The first two rows of the noise, as real and imaginary part; its rows
    are meant for frequency 0 and 1 down, and are waves down the image."""
    height, width = size
    length = two_column_length(width)
    assert length == len(np.fft.fftfreq(width)[:width // 2 + 1 + width % 2])
    noise = torch.randn(2, 2, length, 2)
    images = two_column_images(noise, size, 3)
    one = min(1, height - 1)
    for image, parts in zip(images, noise.double()):
        spectrum = [[
            complex(parts[0, k, c] * scale(0, k, height, width, 3),
                    parts[1, k, c] * scale(one, k, height, width, 3))
            for c in (0, 1)
        ] for k in range(min(length, height))]
        for y in range(height):
            columns = [
                sum(row[c] * np.exp(2j * math.pi * k * y / height)
                    for k, row in enumerate(spectrum)) for c in (0, 1)
            ]
            for x in range(width):
                wave = columns[1] * np.exp(2j * math.pi * x / width)
                # of two columns the second is the fastest wave, counted once
                twice = 1 if width == 2 else 2
                assert image[y, x].item() == pytest.approx(
                    (columns[0].real + twice * wave.real) / (height * width),
                    abs=1e-5)


def test_the_spectrum_falls_alike_in_all_directions():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(4000, 2, 8, 12, generator=generator)
    power = torch.fft.fft2(low_frequency_images(noise, 1.)).abs()**2
    mean = power.mean(0)
    for i, j in ((0, 1), (1, 0), (2, 3), (7, 2), (4, 5)):
        expected = (scale(i, j, 8, 12, 1.)**2 +
                    scale(-i % 8, -j % 12, 8, 12, 1.)**2) / 2
        assert mean[i, j].item() == pytest.approx(expected, rel=0.1)


def test_the_slip_leaves_one_wave_across():
    power = torch.fft.fft2(
        two_column_images(torch.randn(50, 2, 17, 2), (32, 32), 3)).abs()
    assert power[:, :, 2:-1].max() < 1e-4 * power.max()


@pytest.mark.parametrize('seed', range(5))
def test_masks_of_the_largest_places(seed):
    torch.manual_seed(seed)
    images = torch.randint(0, 9, (4, 3, 5)).float()  # with equal values
    count = torch.tensor([0, 15, 7, 4])
    soft = torch.tensor([0, 0, 3, 1])
    masks = top_share_masks(images, count, soft)
    for mask, image, n, k in zip(masks, images, count.tolist(), soft.tolist()):
        values = image.flatten().tolist()
        order = sorted(range(15), key=lambda place: -values[place])
        expected = [0.] * 15
        for rank, place in enumerate(order):
            if rank < n - k:
                expected[place] = 1.
            elif rank < n + k:
                expected[place] = 1 - (rank - n + k) / (2 * k - 1)
        assert mask.flatten().tolist() == pytest.approx(expected)
        assert float(mask.sum()) == pytest.approx(n)


def test_a_place_on_either_side_is_no_ramp():
    image = torch.tensor([[[4., 3., 2., 1.]]])
    mask = top_share_masks(image, torch.tensor([2]), torch.tensor([1]))
    assert mask.flatten().tolist() == [1, 1, 0, 0]


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r'\(M, 2, H, W\)'):
        low_frequency_images(torch.randn(2, 8, 8), 3)
    with pytest.raises(ValueError, match=r'\(M, 2, 5, 2\)'):
        two_column_images(torch.randn(1, 2, 4, 2), (8, 8), 3)
