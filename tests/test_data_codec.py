"""Codecs."""

import json

import numpy as np
import pytest
import torch

from monge.data.codec import ImageCodec, VectorCodec, codec_from_state
from monge.data.space import ImageSpace
from monge.errors import UserError

RANDOM = np.random.default_rng(5)


def pixels(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def test_image_codec_is_exact_both_ways() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 4, 2)
    codec = ImageCodec(ImageSpace(2, 8, 4))
    model = codec.encode(images)
    assert model.shape == (4, 2, 8, 4)
    assert model.is_contiguous()
    assert (model.min(), model.max()) == (-1, 1)
    np.testing.assert_array_equal(codec.decode(model), images)
    np.testing.assert_allclose(codec.metric(images), model.flatten(1), atol=1e-6)
    torch.testing.assert_close(codec.from_metric(model.flatten(1)), model)


def test_image_decoding_rounds_and_clips() -> None:
    model = torch.tensor([-7.0, -1.0, 0.001, 7.0]).reshape(1, 1, 2, 2)
    assert ImageCodec(ImageSpace(1, 2, 2)).decode(model).ravel().tolist() == [0, 0, 128, 255]


def test_vector_codec_standardises_and_returns() -> None:
    vectors = RANDOM.normal([3, -50], [0.1, 20], (500, 2))
    codec = VectorCodec.fit(vectors)
    model = codec.encode(vectors)
    torch.testing.assert_close(model.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(model.std(0, correction=0), torch.ones(2))
    np.testing.assert_allclose(codec.decode(model), vectors, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(codec.metric(vectors), vectors)
    metric = torch.from_numpy(vectors).float().requires_grad_()
    back = codec.from_metric(metric)
    torch.testing.assert_close(back, model, rtol=1e-4, atol=1e-4)
    back.sum().backward()
    assert metric.grad is not None


def test_small_differences_at_a_large_offset_are_kept() -> None:
    vectors = RANDOM.normal([1e9, 0], [1e-3, 1], (500, 2))
    codec = VectorCodec.fit(vectors)
    decoded = codec.decode(codec.encode(vectors))
    assert decoded.dtype == np.float64
    np.testing.assert_allclose(decoded - [1e9, 0], vectors - [1e9, 0], atol=1e-5)
    assert VectorCodec.fit(vectors - [1e9, 0]).decode(codec.encode(vectors)).dtype == np.float32


def test_constant_and_tiny_features_get_scale_one() -> None:
    codec = VectorCodec.fit(np.array([[0.1, 1e-200], [0.1, 2e-200], [0.1, 3e-200]]))
    assert codec.scale.tolist() == [1, 1]


def test_encoding_accepts_read_only_arrays() -> None:
    images, vectors = pixels(3, 4, 4, 1), RANDOM.normal(size=(3, 2)).astype(np.float32)
    images.flags.writeable = vectors.flags.writeable = False
    ImageCodec(ImageSpace(1, 4, 4)).encode(images)
    VectorCodec.fit(vectors).encode(vectors)


def test_codecs_survive_json_exactly() -> None:
    codec = VectorCodec.fit(RANDOM.normal(size=(9, 3)))
    again = codec_from_state(json.loads(json.dumps(codec.state())))
    assert isinstance(again, VectorCodec)
    np.testing.assert_array_equal(again.mean, codec.mean)
    np.testing.assert_array_equal(again.scale, codec.scale)
    assert again.space.shape == (3,)
    image = ImageCodec(ImageSpace(3, 8, 8))
    assert codec_from_state(json.loads(json.dumps(image.state()))) == image
    with pytest.raises(UserError, match="codec kind 'images' is not known; did you mean 'image'"):
        codec_from_state({"kind": "images"})
