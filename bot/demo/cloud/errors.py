"""The cloud's errors: codes with their status and text, and the shapes in which bodies come.

Codes and texts are those of the vendor's error-code pages for DMS for Kafka, API Gateway and IAM;
where the vendor publishes none, the comment says so.
"""

import json
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """How an error is written. Clients meet all of them, depending on who answers."""

    DMS = "dms"
    """error_code, error_msg"""
    GATEWAY = "gateway"
    """error_msg, error_code, request_id"""
    KEYSTONE = "keystone"
    """error: message, code (a number), title"""
    CAMEL = "camel"
    """errorCode, errorMsg"""
    CODE_MESSAGE = "code_message"
    """code, message"""
    NESTED = "nested"
    """the first shape inside another object"""
    AUTHORIZATION = "authorization"
    """error_code, error_msg, encoded_authorization_message"""
    HTML = "html"
    TEXT = "text"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error before it is written."""

    status: int
    code: str
    message: str
    shape: Shape = Shape.DMS


class Refused(Exception):
    """Ends the answering of a request with an error."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


BAD_PARAMETER = ApiError(400, "DMS.00400062", "Invalid request parameter.")
BAD_INSTANCE_ID = ApiError(400, "DMS.00400030", "Invalid DMS instance id. The id must be a uuid.")
BAD_TASK_ID = ApiError(400, "DMS.00400070", "Invalid task ID format.")
BAD_OFFSET = ApiError(400, "DMS.40050010", "Offset parameter is invalid.")
NO_TOPICS = ApiError(400, "DMS.00400975", "Failed to query topics.")
TOKEN_INVALID = ApiError(401, "DMS.10240101", "Invalid token.")
TOKEN_EXPIRED = ApiError(401, "DMS.10240102", "Expired token.")
TOKEN_MISSING = ApiError(401, "DMS.10240103", "Missing token.")
TOKEN_OF_OTHER_PROJECT = ApiError(401, "DMS.10240104", "The project ID and token do not match.")
NO_INSTANCE = ApiError(404, "DMS.00404022", "This instance does not exist.")
NO_CONNECTOR = ApiError(404, "DMS.00404024", "Connector does not exist.")
NO_TASK = ApiError(404, "DMS.00404026", "The dumping task does not exist.")
FLOW_CONTROL = ApiError(
    404,
    "DMS.10240407",
    "The request is too frequent. Flow control is being performed. Please try again later.",
)
INTERNAL = ApiError(500, "DMS.00500000", "Internal service error.")
NO_API = ApiError(
    404,
    "APIGW.0101",
    "The API does not exist or has not been published in the environment.",
    Shape.GATEWAY,
)
BAD_GATEWAY = ApiError(502, "", "502 Bad Gateway", Shape.HTML)


def denied(reason: str) -> ApiError:
    """The gateway does not accept the credentials; `reason` is its sub-message."""
    message = f"Incorrect IAM authentication information: {reason}"
    return ApiError(401, "APIGW.0301", message, Shape.GATEWAY)


def throttled(limit: int = 200, *, per: str = "1 second", policy: str = "user") -> ApiError:
    """The gateway's refusal of too many requests; `policy` is "user" or "api"."""
    message = (
        "The throttling threshold has been reached: "
        f"policy {policy} over ratelimit,limit:{limit},time:{per}"
    )
    return ApiError(429, "APIGW.0308", message, Shape.GATEWAY)


def keystone(status: int, message: str) -> ApiError:
    """An error of IAM's token call."""
    return ApiError(status, str(status), message, Shape.KEYSTONE)


_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


def written(error: ApiError, request_id: str) -> tuple[bytes, str]:
    """Body and content type of an error."""
    match error.shape:
        case Shape.HTML:
            page = f"<html><head><title>{error.message}</title></head><body></body></html>"
            return page.encode(), "text/html"
        case Shape.TEXT:
            return error.message.encode(), "text/plain"
        case Shape.EMPTY:
            return b"", "text/plain"
        case _:
            return json.dumps(_document(error, request_id)).encode(), "application/json"


def _document(error: ApiError, request_id: str) -> dict[str, object]:
    code, message = error.code, error.message
    documents: dict[Shape, dict[str, object]] = {
        Shape.DMS: {"error_code": code, "error_msg": message},
        Shape.GATEWAY: {"error_msg": message, "error_code": code, "request_id": request_id},
        Shape.KEYSTONE: {
            "error": {
                "message": message,
                "code": error.status,
                "title": _TITLES.get(error.status, "Error"),
            }
        },
        Shape.CAMEL: {"errorCode": code, "errorMsg": message},
        Shape.CODE_MESSAGE: {"code": code, "message": message},
        Shape.NESTED: {"fault": {"error_code": code, "error_msg": message}},
        Shape.AUTHORIZATION: {
            "error_code": code,
            "error_msg": message,
            "encoded_authorization_message": "c2ltdWxhdGVk",
        },
    }
    return documents[error.shape]
