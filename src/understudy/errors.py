"""Every error that can reach a caller. Status, type and code belong to the class, the message to
the place that raises it and names cause and remedy. Only `api/http` turns one into JSON.

UnderstudyError
├── InvalidRequest              400  the caller's fault, `param` names the field
│   ├── MissingParameter        400  missing_required_parameter
│   ├── UnsupportedParameter    400  unsupported_parameter
│   ├── InvalidValue            400  invalid_value
│   ├── ContextLengthExceeded   400  context_length_exceeded
│   └── ContentRefused          400  content_filter: the provider refused the content
├── InvalidKey                  401  invalid_api_key
├── Forbidden                   403
├── NotFound                    404
│   └── ModelNotFound           404  model_not_found
├── MethodNotAllowed            405
├── Conflict                    409
├── TooLarge                    413
├── McpServerFailed             424  mcp_server_failed: an MCP server did not give its tools
├── TooMany                     429  rate_limit_exceeded, retry-after says when
├── NotReady                    503  retry-after says when
├── ProviderError                    something between us and a model provider
│   ├── ProviderKeyMissing      401  provider_key_missing
│   ├── ProviderKeyRejected     401  provider_key_rejected
│   ├── ProviderRegionMismatch  401  provider_region_mismatch
│   ├── ProviderRateLimited     429  rate_limit_exceeded, retry-after kept
│   ├── ProviderRefused         4xx  the provider's own 4xx, status and text kept
│   ├── ProviderUnreachable     502  provider_unreachable
│   ├── ProviderFailed          502  provider_error: a 5xx or an answer that makes no sense
│   │   ├── StreamBroken        502  provider_stream_broken: it broke off before its end
│   │   └── ModelUnusable       500  model_unusable: a local model that cannot be loaded as it is
│   └── ProviderTimeout         504  provider_timeout
└── StartupError                     stops a command before it serves: settings, port, database
"""


class UnderstudyError(Exception):
    """Base of every error that is shown to a caller."""

    status: int = 500
    type: str = "server_error"
    code: str | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else type(self).code
        self.headers: dict[str, str] = {}


class InvalidRequest(UnderstudyError):
    """The request cannot be honoured as written; `param` names the field at fault."""

    status = 400
    type = "invalid_request_error"


class MissingParameter(InvalidRequest):
    """A required field is absent."""

    code = "missing_required_parameter"

    def __init__(self, param: str) -> None:
        super().__init__(f"Missing required parameter: '{param}'.", param=param)


class InvalidValue(InvalidRequest):
    """A field has a value that makes no sense; the reason completes the sentence."""

    code = "invalid_value"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"Invalid value for '{param}': {reason}.", param=param)


class UnsupportedParameter(InvalidRequest):
    """The field is known, but this model or server cannot honour it."""

    code = "unsupported_parameter"


class ContextLengthExceeded(InvalidRequest):
    """The prompt does not fit the model's context."""

    code = "context_length_exceeded"


class ContentRefused(InvalidRequest):
    """The provider's content inspection refused the prompt or the answer."""

    code = "content_filter"


class InvalidKey(UnderstudyError):
    """No API key, or not one of ours."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class Forbidden(UnderstudyError):
    """The caller is known, or harmless by address, but may not do this."""

    status = 403
    type = "invalid_request_error"
    code = "forbidden"


class NotFound(UnderstudyError):
    """No such route or object in the caller's project."""

    status = 404
    type = "invalid_request_error"


class ModelNotFound(NotFound):
    """No provider serves a model of this name."""

    code = "model_not_found"


class MethodNotAllowed(UnderstudyError):
    """The path exists, the method does not."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class Conflict(UnderstudyError):
    """The object is in a state that forbids this."""

    status = 409
    type = "invalid_request_error"


class TooLarge(UnderstudyError):
    """The body is over the limit."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class McpServerFailed(UnderstudyError):
    """An MCP server that the request names is away, refuses or does not keep to the protocol."""

    status = 424
    type = "external_connector_error"
    code = "mcp_server_failed"


class TooMany(UnderstudyError):
    """There is as much under way as the settings allow."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.headers["retry-after"] = str(retry_after_s)


class NotReady(UnderstudyError):
    """A part is still starting."""

    status = 503
    code = "not_ready"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.headers["retry-after"] = str(retry_after_s)


class ProviderError(UnderstudyError):
    """Something went wrong between this server and a model provider."""

    status = 502
    provider: str = ""
    """The name under which the settings know it."""


class ProviderKeyMissing(ProviderError):
    """The provider needs a key and none is set."""

    status = 401
    type = "invalid_request_error"
    code = "provider_key_missing"


class ProviderKeyRejected(ProviderError):
    """The provider does not accept the key that is set."""

    status = 401
    type = "invalid_request_error"
    code = "provider_key_rejected"


class ProviderRegionMismatch(ProviderError):
    """The key belongs to another region of the provider."""

    status = 401
    type = "invalid_request_error"
    code = "provider_region_mismatch"


class ProviderRateLimited(ProviderError):
    """The provider answered 429; its `retry-after` is kept."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class ProviderRefused(ProviderError):
    """The provider answered with a 4xx of its own; status, param and text are kept."""

    status = 400
    type = "invalid_request_error"


class ProviderUnreachable(ProviderError):
    """No connection to the provider."""

    code = "provider_unreachable"


class ProviderFailed(ProviderError):
    """The provider answered 5xx, or something that is not an answer."""

    code = "provider_error"


class StreamBroken(ProviderFailed):
    """The provider's stream ended before its finish reason."""

    code = "provider_stream_broken"


class ModelUnusable(ProviderFailed):
    """A local model cannot be loaded, and will not be until somebody changes something."""

    status = 500
    code = "model_unusable"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.headers["x-should-retry"] = "false"


class ProviderTimeout(ProviderError):
    """The provider did not answer within the time that the settings allow."""

    status = 504
    code = "provider_timeout"


class StartupError(UnderstudyError):
    """A command cannot start; the message is all that the user sees."""
