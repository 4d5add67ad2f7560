"""Saliency from pixels: against loops, and against OpenCV where it is."""
import numpy as np
import pytest
import torch

from mmmix.functional import (fine_grained_saliency, grey_levels, in_cache,
                              spectral_residual_saliency)


def smoothed(grey):
    """A 3 x 3 Gaussian, pixel by pixel; the border pixel is the mirror."""
    height, width = grey.shape
    result = np.zeros_like(grey)
    for y in range(height):
        for x in range(width):
            total = 0
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    yy, xx = abs(y + dy), abs(x + dx)
                    yy = 2 * (height - 1) - yy if yy >= height else yy
                    xx = 2 * (width - 1) - xx if xx >= width else xx
                    total += int(grey[yy, xx]) * (2 - abs(dy)) * (2 - abs(dx))
            result[y, x] = (total + 8) // 16
    return result


def fine_grained(grey):
    """The map of one image, pixel by pixel."""
    grey = smoothed(smoothed(grey))
    height, width = grey.shape
    on, off = np.zeros((2, height, width), np.int64)
    for n in (12, 24, 48, 28, 56, 112):
        for y in range(height):
            for x in range(width):
                window = grey[max(y - n + 1, 0):y + n + 1,
                              max(x - n + 1, 0):x + n + 1]
                centre = int(grey[y, x])
                mean = (int(window.sum()) - centre) / (window.size - 1)
                on[y, x] += int(max(centre - mean, 0))
                off[y, x] += int(max(mean - centre, 0))
    on, off = (255 * part // max(part.max(), 1) for part in (on, off))
    largest = max(on.max(), off.max(), 1)
    return np.minimum(255 * (on + off) // largest, 255)


def images(kind, size, n=3):
    generator = torch.Generator().manual_seed(0)
    grey = torch.randint(0, 256, (n, *size), generator=generator)
    if kind == 'steps':  # flat areas, whose means are whole numbers
        grey = (grey[:, ::8, ::8] // 64 * 64).repeat_interleave(
            8, 1).repeat_interleave(8, 2)[:, :size[0], :size[1]]
    return grey


@pytest.mark.parametrize('size', [(16, 30), (33, 20), (2, 5)])
@pytest.mark.parametrize('kind', ['noise', 'steps'])
def test_fine_grained_map_by_loops(kind, size):
    grey = images(kind, size)
    maps = fine_grained_saliency(grey)
    assert maps.dtype == torch.float32
    for one, image in zip(maps, grey):
        expected = fine_grained(image.numpy())
        assert np.abs(one.numpy() - expected).max() <= 1
        assert one.argmax() == expected.argmax()


def test_means_of_larger_windows_than_the_image_and_smaller_ones():
    """Windows of 24 pixels or more, on a wide image, in one row."""
    grey = images('noise', (2, 120), 1)
    expected = fine_grained(grey[0].numpy())
    assert np.abs(fine_grained_saliency(grey)[0].numpy() - expected).max() <= 1


def test_sums_of_large_images_are_exact():
    """Beyond 2**24, where float32 leaves numbers out."""
    grey = torch.full((1, 300, 300), 255.)
    grey[0, :, 150:] = 254
    grey[0, 200, 10] = 0
    saliency = fine_grained_saliency(grey)
    assert saliency.argmax() == 200 * 300 + 10
    assert (saliency[0, :150, 151:] == saliency[0, 0, -1]).all()


@pytest.mark.parametrize('value', [0, 100, 255])
def test_one_colour_has_no_saliency(value):
    saliency = fine_grained_saliency(torch.full((2, 40, 30), float(value)))
    assert not saliency.any()
    spectral = spectral_residual_saliency(
        torch.full((2, 40, 30), float(value)))
    assert spectral.isfinite().all()


def opencv():
    """OpenCV with the contributed modules, which few have installed."""
    cv2 = pytest.importorskip('cv2')
    if not hasattr(cv2, 'saliency'):
        pytest.skip('this OpenCV has no module saliency')
    return cv2


@pytest.mark.parametrize('size', [(32, 32), (64, 96), (224, 224), (300, 260)])
def test_fine_grained_map_is_opencvs(size):
    """Within one grey level, with the same maximum."""
    cv2 = opencv()
    rng = np.random.default_rng(0)
    for blur in (1, 5, 31):
        noise = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        image = cv2.GaussianBlur(noise, (blur, blur), 0)
        image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
        detector = cv2.saliency.StaticSaliencyFineGrained_create()
        expected = np.rint(detector.computeSaliency(image)[1] * 255)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
        grey = grey_levels(pixels, 'bgr')
        assert np.array_equal(grey[0].numpy(),
                              cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        ours = fine_grained_saliency(grey)[0].numpy()
        assert np.abs(ours - expected).max() <= 1
        assert ours.argmax() == expected.argmax()


def test_grey_levels_round_as_opencv():
    """Rec. 601 by whole numbers: 0.299, 0.587 and 0.114 in 2**-15."""
    pixels = torch.randint(0, 256, (2, 3, 9, 7))
    noisy = pixels + 0.4 * (torch.rand(2, 3, 9, 7) - .5)
    r, g, b = pixels.unbind(1)
    expected = (9798 * r + 19235 * g + 3735 * b + 2**14) // 2**15
    assert torch.equal(grey_levels(noisy), expected.float())
    assert torch.equal(grey_levels(noisy.flip(1), 'bgr'), expected.float())
    assert torch.equal(grey_levels(noisy.double()), expected.float())
    assert torch.equal(grey_levels(noisy[:, :1]), r.float())
    with pytest.raises(ValueError, match='neither|require'):
        grey_levels(pixels[:, :2])


def spectral(grey):
    """The map of one image of 64 x 64 by sums."""
    k = np.arange(64)
    dft = np.exp(-2j * np.pi * np.outer(k, k) / 64)
    spectrum = dft @ grey @ dft
    log = np.log(np.maximum(np.abs(spectrum), 1))
    mean = sum(log[np.ix_((k + dy) % 64, (k + dx) % 64)] for dy in (-1, 0, 1)
               for dx in (-1, 0, 1)) / 9
    phase = np.angle(spectrum)
    small = np.minimum(np.abs(spectrum), 1)  # below 1 the phase fades out
    residual = small * np.exp(log - mean + 1j * phase)
    back = np.abs(dft.conj() @ residual @ dft.conj() / 64**2)**2
    smooth = np.zeros((64, 64))
    for y in range(64):
        for x in range(64):
            weights = np.exp(-((k[:, None] - y)**2 + (k - x)**2) / (2 * 8**2))
            smooth[y, x] = (weights * back).sum() / weights.sum()
    return smooth / smooth.max()


def test_spectral_residual_by_sums():
    grey = images('steps', (64, 64), 2)
    for one, image in zip(spectral_residual_saliency(grey), grey):
        np.testing.assert_allclose(
            one, spectral(image.numpy().astype(float)), atol=1e-4)


def test_spectral_residual_of_any_size():
    grey = torch.full((1, 96, 200), 90.)
    grey[:, 60:68, 150:160] = 250
    saliency = spectral_residual_saliency(grey)[0]
    y, x = divmod(int(saliency.argmax()), 64)
    assert abs(y - 64 * 64 / 96) < 6 and abs(x - 155 * 64 / 200) < 6


def test_a_batch_is_computed_image_by_image():
    pixels = torch.rand(5, 3, 300, 301) * 255

    def function(part):
        return fine_grained_saliency(grey_levels(part))

    assert torch.equal(in_cache(function, pixels), function(pixels))
    assert torch.equal(in_cache(function, pixels[:1]), function(pixels[:1]))


def test_a_side_of_one_pixel_is_refused():
    with pytest.raises(ValueError, match='two pixels or more'):
        fine_grained_saliency(torch.zeros(1, 1, 8))
