"""Which kind an error answer is: one table from status, code and wording to our kinds. Pure."""

import re
from dataclasses import dataclass

from core.errors import ErrorKind
from core.runners.wording import Wording

UNKNOWN_MODEL_CODES = "model_not_found deploymentnotfound model_not_exist invalid_model 1211"
_MODEL = re.compile(r"\bmodel\b|模型", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Applies when every part that is given applies."""

    kind: ErrorKind
    codes: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()

    def applies(self, status: int, wording: Wording) -> bool:
        if self.statuses and status not in self.statuses:
            return False
        if self.codes and self.codes.isdisjoint(wording.codes):
            return False
        return self.words is None or self.words.search(wording.message) is not None


def _codes(kind: ErrorKind, codes: str) -> _Rule:
    return _Rule(kind, codes=frozenset(codes.split()))


def _words(kind: ErrorKind, *patterns: str, statuses: tuple[int, ...] = ()) -> _Rule:
    pattern = re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)
    return _Rule(kind, words=pattern, statuses=frozenset(statuses))


def _statuses(kind: ErrorKind, *statuses: int) -> _Rule:
    return _Rule(kind, statuses=frozenset(statuses))


# Read from the top; the first rule that applies wins. Precise codes and wordings come before statuses, since one status
# means different things: 400 is a bad key at Gemini, an empty account at Anthropic, a long prompt everywhere; 429 is
# "slower" and "no money" at OpenAI. Statuses come before generic codes ("invalid_request_error" stands on every 4xx).
# Looked up 2026-11-24: MiniMax (platform.minimax.io errorcode), Moonshot (kimi-cli#2011, Kimi-K2#5), Gemini quotas
# (gemini-cli#8437), Groq 413 (cline#4971), GLM's codes 1000 to 1313 (docs.z.ai/api-reference/api-code), Qwen's
# (help.aliyun.com/en/model-studio/error-code). tests/wire/refusals.py names the source of each case; a wording that
# nobody was found to send falls to its status.
_RULES = (
    _codes(
        ErrorKind.CONTENT_FILTER,
        "content_filter content_policy_violation responsibleaipolicyviolation moderation"
        " data_inspection_failed datainspectionfailed 1301 1026 1027",
    ),
    _words(
        ErrorKind.CONTENT_FILTER,
        r"content management policy",
        r"flagged by .{0,80}(?:moderation|safety)",
        r"inappropriate content",
    ),
    _codes(
        ErrorKind.CONTEXT_LENGTH,
        "context_length_exceeded exceed_context_size_error model_context_window_exceeded 1261",
    ),
    _words(
        ErrorKind.CONTEXT_LENGTH,
        r"maximum (?:context|prompt) length",
        r"(?:prompt|input) (?:is|was) too long",
        r"exceed\w* .{0,40}context (?:window|size|length|limit)",
        r"context (?:window|size|limit) .{0,40}exceed",
        r"context (?:the )?overflow",
        r"exceeded model token limit|model max length exceeded",
        r"input token count.{0,40}exceeds",
        r"range of input length|less than the context length",
        r"reduce the length of the (?:messages|prompt|input)",
    ),
    # Larger than a whole minute's allowance: waiting does not help (OpenAI 429, Groq 413).
    _words(ErrorKind.PAYLOAD_TOO_LARGE, r"request too large for"),
    # Qwen calls tokens per minute insufficient_quota too; the address it gives tells them apart (QwenLM/Qwen#2254).
    _words(ErrorKind.RATE_LIMIT, r"error-code#(?:token|rate)-limit"),
    # Gemini says "exceeded your current quota" for its limits per minute too, then with a delay or the limit's name.
    _words(ErrorKind.RATE_LIMIT, r"quota(?!.*per ?day).*(?:(?:retry|try again) in \d|per ?minute)"),
    _codes(
        ErrorKind.QUOTA,
        "insufficient_quota billing_hard_limit_reached billing_not_active billing_error arrearage 1113 1008"
        " 1304 1308 1309 1310"
        " insufficient_balance exceeded_current_quota_error allocationquota.freetieronly budget_exceeded"
        " insufficient_credits credits_exhausted payment_required quota_exceeded",
    ),
    _words(
        ErrorKind.QUOTA,
        r"insufficient (?:account )?(?:balance|credit|fund|quota)",
        r"credit balance is too low",
        r"exceeded your current quota",
        r"(?:out of|no|requires more) credits",
        r"(?:used|exhausted) all .{0,30}credits",
        r"monthly spending limit",
        r"budget has been exceeded",
        r"specified api usage limits",
        r"account is in good standing",
        r"余额不足|欠费",
    ),
    _codes(
        ErrorKind.AUTH,
        "invalid_api_key api_key_invalid invalidapikey authentication_error invalid_authentication_error"
        " token_not_found_in_db unauthenticated unauthorized 1004 2049",
    ),
    _words(
        ErrorKind.AUTH,
        r"api[- ]?key (?:is )?(?:not valid|invalid|expired|missing|not found|required)",
        r"(?:invalid|incorrect|missing|malformed|no|bad|wrong|unknown) (?:x-)?api[- _]?key",
        r"no connected db",  # LiteLLM without a database, for every key but its master key
        r"invalid (?:bearer|token|auth)",
        r"authentication (?:fails|failed|required)",
        r"no auth credentials|user not found",
        r"令牌|身份验证",
        statuses=(400, 401, 403, 404, 422, 500),
    ),
    # GLM: an account that is not active or locked, a plan without this model, unfair use; all of them come as 429.
    _codes(ErrorKind.PERMISSION, "1110 1111 1112 1120 1121 1220 1311 1313"),
    _codes(ErrorKind.OVERLOADED, "overloaded_error engine_overloaded_error overloaded 1312"),
    _words(ErrorKind.OVERLOADED, r"overloaded|at capacity|server (?:is )?busy|loading model"),
    _words(ErrorKind.PERMISSION, r"not have access to (?:the )?model", statuses=(403,)),
    _codes(ErrorKind.NOT_FOUND, UNKNOWN_MODEL_CODES + " 1221 1222"),
    _words(
        ErrorKind.NOT_FOUND,
        r"model\b.{0,120}(?:not exist|not found|is not available|unknown)",
        r"not a valid model|invalid model\b|unknown model|no such model",
        r"no endpoints found",
        r"模型不存在",
        statuses=(400, 404, 422, 500),
    ),
    _codes(
        ErrorKind.UNSUPPORTED_PARAMETER, "unsupported_parameter unsupported_value unknown_parameter extra_forbidden"
    ),
    _words(
        ErrorKind.UNSUPPORTED_PARAMETER,
        r"un(?:supported|recognized|known|expected) (?:request )?(?:parameter|argument|field|name|keyword)",
        r"extra (?:inputs|fields) (?:are )?not permitted",
        r"(?:parameter|argument|field)\S* .{0,60}not supported",
        r"is not supported (?:with|by|for) this model",
        r"unexpected keyword|cannot find field",
        r"(?:stream_options|max_completion_tokens|max_tokens|temperature|top_p)\b.{0,60}(?:not (?:supp|allow)|unsupp)",
        statuses=(400, 404, 422, 500, 501),
    ),
    _statuses(ErrorKind.AUTH, 401),
    _statuses(ErrorKind.QUOTA, 402),
    _statuses(ErrorKind.PERMISSION, 403, 451),
    _statuses(ErrorKind.NOT_FOUND, 404, 405, 410),
    _statuses(ErrorKind.TIMEOUT, 408, 504, 524),
    _statuses(ErrorKind.PAYLOAD_TOO_LARGE, 413),
    _statuses(ErrorKind.RATE_LIMIT, 429),
    _statuses(ErrorKind.OVERLOADED, 409, 425, 498, 503, 529),  # 409: OpenAI's lock time-out; 498: Groq's flex capacity
    _statuses(ErrorKind.REDIRECT_BLOCKED, *range(300, 400)),
    _statuses(ErrorKind.SERVER_ERROR, *range(500, 600)),
    # What is left has no telling status: errors inside a stream, and 400.
    _codes(ErrorKind.PERMISSION, "permission_error permission_denied access_denied accessdenied"),
    _codes(ErrorKind.NOT_FOUND, "not_found_error not_found"),
    _codes(ErrorKind.PAYLOAD_TOO_LARGE, "request_too_large payload_too_large"),
    _codes(
        ErrorKind.RATE_LIMIT,
        "rate_limit_error rate_limit_exceeded rate_limit_reached_error resource_exhausted throttling"
        " throttling.ratequota throttling.allocationquota 1302 1303 1305 1002",
    ),
    _words(ErrorKind.RATE_LIMIT, r"rate limit|too many requests"),
    _codes(ErrorKind.TIMEOUT, "timeout_error timeout deadline_exceeded"),
    _words(ErrorKind.TIMEOUT, r"timed? ?out"),
    _codes(ErrorKind.SERVER_ERROR, "server_error api_error internal_error internal internal_server_error"),
    _codes(ErrorKind.BAD_REQUEST, "invalid_request_error invalid_argument bad_request"),
    _statuses(ErrorKind.BAD_REQUEST, *range(400, 500)),
)


def classify(status: int | None, wording: Wording) -> ErrorKind:
    """Return the kind of an error answer. An error inside a stream (status 200 or none) may state a status itself."""
    told = status if status is not None and status >= 300 else wording.status or 0
    return next((rule.kind for rule in _RULES if rule.applies(told, wording)), ErrorKind.SERVER_ERROR)


def is_about_model(wording: Wording, model_id: str) -> bool:
    """Whether "not found" means the model, not the path of the URL."""
    if wording.is_page:
        return False
    if model_id and model_id.lower() in wording.message.lower():
        return True
    return not wording.codes.isdisjoint(UNKNOWN_MODEL_CODES.split()) or bool(_MODEL.search(wording.message))
