"""A webhook out of each shape that AWS calls us with, byte for byte."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.errors import InvalidRequest, TooLarge
from paidonce.use_cases.receive_webhook import Webhook
from receive_webhook import request

from tests.functions.receive_webhook.shapes import REQUEST_ID, SHAPES, Shape, http_api, rest_api

each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
HEADER = {"Stripe-Signature": "t=1,v1=00"}


def read(event: dict[str, Any]) -> Webhook:
    return request.read(event, request_id="corr-1")


@each_shape
@pytest.mark.parametrize("as_base64", [False, True])
@pytest.mark.parametrize("body", [b"{}", b"", '{"a": "Zoë 💳"}\r\n\t '.encode(), b"\xef\xbb\xbf{}"])
def test_the_bytes_are_the_bytes(shape: Shape, *, as_base64: bool, body: bytes) -> None:
    assert read(shape(body, HEADER, as_base64=as_base64)).body == body


@each_shape
@given(body=st.binary())
def test_any_bytes_come_through_base64(shape: Shape, body: bytes) -> None:
    assert read(shape(body, HEADER, as_base64=True)).body == body


@each_shape
def test_without_a_body_there_are_no_bytes(shape: Shape) -> None:
    assert read(shape(None, HEADER)).body == b""


@each_shape
@pytest.mark.parametrize("name", ["stripe-signature", "Stripe-Signature", "STRIPE-SIGNATURE"])
def test_a_header_s_name_has_no_case(shape: Shape, name: str) -> None:
    assert read(shape(b"{}", {name: "t=1,v1=00"})).signature == "t=1,v1=00"


@each_shape
def test_several_values_of_a_header_are_one(shape: Shape) -> None:
    assert read(shape(b"{}", {"Stripe-Signature": ["t=1,v1=00", "v1=11"]})).signature == (
        "t=1,v1=00,v1=11"
    )


@each_shape
def test_no_header_is_none(shape: Shape) -> None:
    assert read(shape(b"{}", {})).signature is None
    assert read(shape(b"{}", {"Stripe-Signature": ""})).signature is None


def test_a_rest_api_may_leave_out_either_form_of_the_headers() -> None:
    event = rest_api(b"{}", HEADER)
    assert read(event | {"headers": None}).signature == "t=1,v1=00"
    assert read(event | {"multiValueHeaders": None}).signature == "t=1,v1=00"
    assert read(event | {"headers": None, "multiValueHeaders": None}).signature is None


@each_shape
def test_the_endpoint_is_the_route_s(shape: Shape) -> None:
    assert read(shape(b"{}", HEADER)).endpoint == "default"
    assert read(shape(b"{}", HEADER, endpoint="connect")).endpoint == "connect"


@pytest.mark.parametrize("path", ["/", "", "/webhooks/stripe", "/webhooks/stripe/connect/more"])
def test_any_other_path_of_a_function_url_is_the_default_endpoint(path: str) -> None:
    assert read(http_api(b"{}", HEADER) | {"rawPath": path}).endpoint == "default"


@each_shape
def test_a_request_has_the_gateway_s_id(shape: Shape) -> None:
    assert request.request_id(shape(b"{}", HEADER), otherwise="lambda") == REQUEST_ID


@pytest.mark.parametrize(
    "context", [None, {}, {"requestId": None}, {"requestId": ""}, {"requestId": "a\nb"}]
)
def test_without_a_usable_one_it_is_lambda_s(context: object) -> None:
    assert request.request_id({"requestContext": context}, otherwise="lambda") == "lambda"


@each_shape
@pytest.mark.parametrize("as_base64", [False, True])
def test_up_to_4_000_000_bytes_are_read(shape: Shape, *, as_base64: bool) -> None:
    assert len(read(shape(b"x" * 4_000_000, HEADER, as_base64=as_base64)).body) == 4_000_000


@each_shape
@pytest.mark.parametrize("as_base64", [False, True])
@pytest.mark.parametrize("size", [4_000_001, 4_000_002, 4_000_003, 5_000_000])
def test_more_is_too_large(shape: Shape, *, as_base64: bool, size: int) -> None:
    event = shape(b"x" * size, HEADER, as_base64=as_base64)
    with pytest.raises(TooLarge):
        read(event)


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(TooLarge):
        read(http_api("é".encode() * 2_000_001, HEADER))


def test_what_is_too_large_is_not_decoded() -> None:
    """It is not even base64: nobody looked."""
    with pytest.raises(TooLarge):
        read(http_api(b"", HEADER) | {"body": "!" * 6_000_000, "isBase64Encoded": True})


@pytest.mark.parametrize("body", ["!", "ab", "abc", "====", "YWJj\n", "é", "\ud800"])
def test_base64_that_is_none_is_an_invalid_request(body: str) -> None:
    with pytest.raises(InvalidRequest):
        read(http_api(b"", HEADER) | {"body": body, "isBase64Encoded": True})


@given(st.binary(max_size=100))
def test_size_is_told_from_base64_without_decoding(body: bytes) -> None:
    text = base64.b64encode(body).decode()
    assert len(text) // 4 * 3 - text[-2:].count("=") == len(body)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "headers": st.none() | st.dictionaries(st.text(), st.text()),
            "multiValueHeaders": st.none() | st.dictionaries(st.text(), st.lists(st.text())),
            "pathParameters": st.none() | st.dictionaries(st.text(), st.text()),
            "requestContext": st.none() | st.dictionaries(st.text(), st.text()),
            "rawPath": st.none() | st.text(),
            "body": st.none() | st.text(),
            "isBase64Encoded": st.booleans(),
        },
    )
)
def test_no_request_crashes_it(event: dict[str, Any]) -> None:
    request.request_id(event, otherwise="lambda")
    try:
        read(event)
    except InvalidRequest:
        return
