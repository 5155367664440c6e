"""Refusals: an error status, or an error in a body with status 200, and which kind of error each is."""

import json
from typing import Any

from core.errors import ErrorKind
from tests.wire.case import ANYBODY, SYNTHETIC, Refusal, encoded

K = ErrorKind
ANTHROPIC = "docs.claude.com/en/api/messages-streaming"
GLM = "docs.z.ai/api-reference/api-code"
QWEN = "help.aliyun.com/en/model-studio/error-code"
OPENROUTER = "openrouter.ai/docs/api/reference/errors-and-debugging"


def openai(message: str, code: Any = None, type: str | None = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code}}


def anthropic(type: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type, "message": message}}


def gemini(code: int, status: str, message: str, *details: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def openrouter(code: int, message: str, raw: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "metadata": {"raw": raw, "provider_name": "Up"}}}


def refused(name: str, whose: str, seen: str, status: int, body: Any, kind: ErrorKind) -> Refusal:
    return Refusal(name, whose, seen, status, encoded(body), kind)


REFUSALS = [
    refused(
        "auth", "OpenAI", SYNTHETIC, 401, openai("Incorrect API key provided: sk-ab***yz.", "invalid_api_key"), K.AUTH
    ),
    refused("auth no key", "OpenAI", SYNTHETIC, 401, openai("You didn't provide an API key."), K.AUTH),
    refused("auth", "Anthropic", SYNTHETIC, 401, anthropic("authentication_error", "invalid x-api-key"), K.AUTH),
    refused(
        "auth",
        "Gemini",
        "continuedev/continue#10530",
        400,
        gemini(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        K.AUTH,
    ),
    refused(
        "auth reason",
        "Gemini",
        "continuedev/continue#10530",
        400,
        gemini(400, "INVALID_ARGUMENT", "Bad.", {"reason": "API_KEY_INVALID"}),
        K.AUTH,
    ),
    refused(
        "auth expired",
        "Gemini",
        SYNTHETIC,
        400,
        gemini(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."),
        K.AUTH,
    ),
    refused(
        "auth",
        "xAI",
        SYNTHETIC,
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: te***st."},
        K.AUTH,
    ),
    refused(
        "auth without a database",
        "LiteLLM",
        "BerriAI/litellm#20837",
        400,
        openai("No connected db.", None, "no_db_connection"),
        K.AUTH,
    ),
    refused(
        "auth", "OpenRouter", OPENROUTER, 401, {"error": {"message": "No auth credentials found", "code": 401}}, K.AUTH
    ),
    refused("auth", "Mistral", SYNTHETIC, 401, {"detail": "Unauthorized"}, K.AUTH),
    refused("auth", "GLM", GLM, 401, {"error": {"code": "1000", "message": "身份验证失败"}}, K.AUTH),
    refused(
        "auth",
        "DeepSeek",
        SYNTHETIC,
        401,
        openai("Authentication Fails, Your api key: ****1234 is invalid", "invalid_request_error"),
        K.AUTH,
    ),
    refused("synthetic empty", ANYBODY, SYNTHETIC, 401, b"", K.AUTH),
    refused(
        "auth",
        "Moonshot",
        SYNTHETIC,
        401,
        openai("Invalid Authentication", None, "invalid_authentication_error"),
        K.AUTH,
    ),
    refused(
        "permission project",
        "OpenAI",
        SYNTHETIC,
        403,
        openai("Project `p` does not have access to model `m`", "model_not_found"),
        K.PERMISSION,
    ),
    refused(
        "permission",
        "Anthropic",
        SYNTHETIC,
        403,
        anthropic("permission_error", "Your API key does not have permission"),
        K.PERMISSION,
    ),
    refused(
        "permission country",
        "OpenAI",
        SYNTHETIC,
        403,
        openai("Country not supported", "unsupported_country_region_territory"),
        K.PERMISSION,
    ),
    refused(
        "permission",
        "Gemini",
        SYNTHETIC,
        403,
        gemini(403, "PERMISSION_DENIED", "Generative Language API has not been used"),
        K.PERMISSION,
    ),
    refused(
        "not found model",
        "OpenAI",
        SYNTHETIC,
        404,
        openai("The model `gpt-9` does not exist", "model_not_found"),
        K.NOT_FOUND,
    ),
    refused(
        "not found model", "Anthropic", SYNTHETIC, 404, anthropic("not_found_error", "model: claude-9"), K.NOT_FOUND
    ),
    refused("not found model", "DeepSeek", SYNTHETIC, 400, openai("Model Not Exist"), K.NOT_FOUND),
    refused(
        "not found model",
        "OpenRouter",
        SYNTHETIC,
        400,
        {"error": {"message": "test-model is not a valid model ID", "code": 400}},
        K.NOT_FOUND,
    ),
    refused(
        "not found model",
        "Mistral",
        SYNTHETIC,
        400,
        {"object": "error", "message": "Invalid model: x", "type": "invalid_model"},
        K.NOT_FOUND,
    ),
    refused("not found model", "GLM", GLM, 400, {"error": {"code": "1211", "message": "模型不存在"}}, K.NOT_FOUND),
    refused(
        "not found model",
        "Ollama",
        SYNTHETIC,
        404,
        openai('model "x" not found, try pulling it first', None, "api_error"),
        K.NOT_FOUND,
    ),
    refused(
        "not found deployment",
        "Azure",
        SYNTHETIC,
        404,
        openai("The API deployment does not exist.", "DeploymentNotFound"),
        K.NOT_FOUND,
    ),
    refused(
        "not found model",
        "Gemini",
        SYNTHETIC,
        404,
        gemini(404, "NOT_FOUND", "models/x is not found for API version v1main"),
        K.NOT_FOUND,
    ),
    refused("not found path", "OpenAI", SYNTHETIC, 404, openai("Invalid URL (POST /chat/completions)"), K.NOT_FOUND),
    refused("fastapi path", ANYBODY, SYNTHETIC, 404, {"detail": "Not Found"}, K.NOT_FOUND),
    refused("method", ANYBODY, SYNTHETIC, 405, {"detail": "Method Not Allowed"}, K.NOT_FOUND),
    refused("go path", ANYBODY, SYNTHETIC, 404, b"404 page not found", K.NOT_FOUND),
    refused(
        "quota inactive",
        "Moonshot",
        "MoonshotAI/Kimi-K2#5",
        403,
        openai("not active", None, "exceeded_current_quota_error"),
        K.QUOTA,
    ),
    refused(
        "quota",
        "MiniMax",
        "platform.minimax.io errorcode",
        200,
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        K.QUOTA,
    ),
    refused(
        "quota",
        "OpenAI",
        "chatanywhere/GPT_API_free#229",
        429,
        openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
        K.QUOTA,
    ),
    refused(
        "quota",
        "Anthropic",
        "OpenRouterTeam/ai-sdk-provider#428",
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access"),
        K.QUOTA,
    ),
    refused(
        "quota limit",
        "Anthropic",
        SYNTHETIC,
        400,
        anthropic("invalid_request_error", "You have reached your specified API usage limits."),
        K.QUOTA,
    ),
    refused(
        "quota",
        "DeepSeek",
        "share.apidog.com/apidoc/docs-site/747793/error-codes-835831m0",
        402,
        openai("Insufficient Balance"),
        K.QUOTA,
    ),
    refused(
        "quota",
        "OpenRouter",
        OPENROUTER,
        402,
        {"error": {"message": "This request requires more credits", "code": 402}},
        K.QUOTA,
    ),
    refused("quota", "Qwen", QWEN, 400, {"error": {"code": "Arrearage", "message": "Access denied"}}, K.QUOTA),
    refused(
        "quota free tier",
        "Qwen",
        SYNTHETIC,
        403,
        {"code": "AllocationQuota.FreeTierOnly", "message": "The free tier is exhausted"},
        K.QUOTA,
    ),
    refused("quota", "GLM", GLM, 429, {"error": {"code": "1113", "message": "您的账户已欠费"}}, K.QUOTA),
    refused("quota number", "GLM", GLM, 429, {"error": {"code": 1113, "message": "x"}}, K.QUOTA),
    refused(
        "quota",
        "Moonshot",
        SYNTHETIC,
        429,
        openai("suspended", None, "exceeded_current_quota_error"),
        K.QUOTA,
    ),
    refused(
        "quota",
        "xAI",
        SYNTHETIC,
        403,
        {"code": "x", "error": "Your team has used all available credits or reached its monthly spending limit"},
        K.QUOTA,
    ),
    refused(
        "quota budget",
        "LiteLLM",
        SYNTHETIC,
        400,
        openai("Budget has been exceeded!", "400", "budget_exceeded"),
        K.QUOTA,
    ),
    refused(
        "quota per day",
        "Gemini",
        "google-gemini/gemini-cli#8437",
        429,
        gemini(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota. Please retry in 37.2s.",
            {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject-FreeTier"}]},
        ),
        K.QUOTA,
    ),
    refused(
        "rate limit",
        "OpenAI",
        SYNTHETIC,
        429,
        openai("Rate limit reached for gpt-x", "rate_limit_exceeded", "requests"),
        K.RATE_LIMIT,
    ),
    refused(
        "rate limit",
        "Anthropic",
        SYNTHETIC,
        429,
        anthropic("rate_limit_error", "would exceed your rate limit"),
        K.RATE_LIMIT,
    ),
    refused(
        "rate limit per minute",
        "Gemini",
        "dyad-sh/dyad#1469",
        429,
        gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.\nPlease retry in 37.2s."),
        K.RATE_LIMIT,
    ),
    refused(
        "rate limit per minute without a delay",
        "Gemini",
        "google-gemini/gemini-cli#8437",
        429,
        gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", {"quotaId": "TokensPerMinute-FreeTier"}),
        K.RATE_LIMIT,
    ),
    refused(
        "rate limit", "GLM", GLM, 429, {"error": {"code": "1302", "message": "您的账户已达到速率限制"}}, K.RATE_LIMIT
    ),
    refused(
        "rate limit",
        "Qwen",
        QWEN,
        429,
        {"error": {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"}},
        K.RATE_LIMIT,
    ),
    refused("synthetic empty", ANYBODY, SYNTHETIC, 429, b"", K.RATE_LIMIT),
    refused("rate limit", "nginx", SYNTHETIC, 429, b"<html><h1>429 Too Many Requests</h1></html>", K.RATE_LIMIT),
    refused("overloaded", "Anthropic", ANTHROPIC, 529, anthropic("overloaded_error", "Overloaded"), K.OVERLOADED),
    refused(
        "overloaded",
        "Moonshot",
        SYNTHETIC,
        429,
        openai("The engine is currently overloaded", None, "engine_overloaded_error"),
        K.OVERLOADED,
    ),
    refused("overloaded", "llama.cpp", SYNTHETIC, 503, openai("Loading model", 503, "unavailable_error"), K.OVERLOADED),
    refused(
        "overloaded", "Gemini", SYNTHETIC, 503, gemini(503, "UNAVAILABLE", "The model is overloaded."), K.OVERLOADED
    ),
    refused("overloaded", "Together", SYNTHETIC, 500, openai("server is busy"), K.OVERLOADED),
    refused("overloaded conflict", "OpenAI", SYNTHETIC, 409, openai("lock"), K.OVERLOADED),
    refused(
        "server error",
        "OpenAI",
        SYNTHETIC,
        500,
        openai("The server had an error", None, "server_error"),
        K.SERVER_ERROR,
    ),
    refused(
        "server error", "Cloudflare", SYNTHETIC, 502, b"<html><title>502 Bad Gateway</title></html>", K.SERVER_ERROR
    ),
    refused(
        "server error", "Cloudflare", SYNTHETIC, 521, b"<html><title>Web server is down</title></html>", K.SERVER_ERROR
    ),
    refused("gateway", ANYBODY, SYNTHETIC, 504, b"upstream request timeout", K.TIMEOUT),
    refused("request time-out", ANYBODY, SYNTHETIC, 408, b"", K.TIMEOUT),
    refused("timeout", "Cloudflare", SYNTHETIC, 524, b"<html></html>", K.TIMEOUT),
    refused(
        "context length",
        "OpenAI",
        "ChatGPTNextWeb/NextChat#3195",
        400,
        openai("This model's maximum context length is 8 tokens.", "context_length_exceeded"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length",
        "vLLM",
        SYNTHETIC,
        400,
        {"object": "error", "message": "This model's maximum context length is 8 tokens.", "code": 400},
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length",
        "llama.cpp",
        "ggml-org/llama.cpp#15780",
        400,
        openai("the request exceeds the available context size", 400, "exceed_context_size_error"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length",
        "Anthropic",
        SYNTHETIC,
        400,
        anthropic("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length sum",
        "Anthropic",
        SYNTHETIC,
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 8"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length",
        "Gemini",
        SYNTHETIC,
        400,
        gemini(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length", "Qwen", QWEN, 400, openai("Range of input length should be [1, 30720]"), K.CONTEXT_LENGTH
    ),
    refused(
        "context length",
        "xAI",
        SYNTHETIC,
        400,
        {"code": "x", "error": "This model's maximum prompt length is 8 but the request contains 9 tokens."},
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length",
        "Moonshot",
        SYNTHETIC,
        400,
        openai("Your request exceeded model token limit: 8192"),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "context length raw",
        "OpenRouter",
        "open-webui/computer#293",
        400,
        openrouter(400, "Provider returned error", json.dumps(openai("maximum context length is 8"))),
        K.CONTEXT_LENGTH,
    ),
    refused(
        "payload too large minute",
        "Groq",
        "cline/cline#4971",
        413,
        openai("Request too large for model `m` on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"),
        K.PAYLOAD_TOO_LARGE,
    ),
    refused(
        "payload too large minute",
        "OpenAI",
        SYNTHETIC,
        429,
        openai("Request too large for gpt-x on tokens per min", "rate_limit_exceeded", "tokens"),
        K.PAYLOAD_TOO_LARGE,
    ),
    refused(
        "payload too large",
        "Anthropic",
        SYNTHETIC,
        413,
        anthropic("request_too_large", "Request exceeds the maximum size"),
        K.PAYLOAD_TOO_LARGE,
    ),
    refused(
        "payload too large",
        "nginx",
        SYNTHETIC,
        413,
        b"<html><title>413 Request Entity Too Large</title></html>",
        K.PAYLOAD_TOO_LARGE,
    ),
    refused(
        "content filter",
        "Azure",
        SYNTHETIC,
        400,
        openai("triggering Azure OpenAI's content management policy", "content_filter"),
        K.CONTENT_FILTER,
    ),
    refused(
        "content filter",
        "Qwen",
        QWEN,
        400,
        openai("Input data may contain inappropriate content.", "data_inspection_failed"),
        K.CONTENT_FILTER,
    ),
    refused(
        "content filter",
        "GLM",
        GLM,
        400,
        {"contentFilter": [], "error": {"code": "1301", "message": "x"}},
        K.CONTENT_FILTER,
    ),
    refused(
        "content filter",
        "OpenRouter",
        OPENROUTER,
        403,
        {"error": {"code": 403, "message": "Your input was flagged by moderation", "metadata": {}}},
        K.CONTENT_FILTER,
    ),
    refused(
        "unsupported parameter",
        "OpenAI",
        SYNTHETIC,
        400,
        openai("Unsupported parameter: 'x'", "unsupported_parameter"),
        K.UNSUPPORTED_PARAMETER,
    ),
    refused(
        "unsupported parameter value",
        "OpenAI",
        "Aider-AI/aider#3147",
        400,
        openai("'temperature' does not support 0.2 with this model.", "unsupported_value"),
        K.UNSUPPORTED_PARAMETER,
    ),
    refused(
        "unsupported parameter",
        "Mistral",
        "avante-corp/avante.nvim#2347",
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]},
        K.UNSUPPORTED_PARAMETER,
    ),
    refused(
        "unsupported parameter",
        "Gemini",
        SYNTHETIC,
        400,
        gemini(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "x": Cannot find field.'),
        K.UNSUPPORTED_PARAMETER,
    ),
    refused("bad request", "OpenAI", SYNTHETIC, 400, openai("messages must alternate"), K.BAD_REQUEST),
    refused(
        "bad request",
        "Mistral",
        SYNTHETIC,
        422,
        {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]},
        K.BAD_REQUEST,
    ),
    refused("json string", ANYBODY, SYNTHETIC, 400, b'"just text"', K.BAD_REQUEST),
    refused("plain text", ANYBODY, SYNTHETIC, 400, b"just text", K.BAD_REQUEST),
    refused("teapot", ANYBODY, SYNTHETIC, 418, b"", K.BAD_REQUEST),
    refused(
        "octet-stream with json", ANYBODY, SYNTHETIC, 400, json.dumps(openai("Model Not Exist")).encode(), K.NOT_FOUND
    ),
    refused(
        "json in a message", ANYBODY, SYNTHETIC, 400, openai(json.dumps(openai("prompt is too long"))), K.CONTEXT_LENGTH
    ),
    refused(
        "deep nonsense",
        ANYBODY,
        SYNTHETIC,
        400,
        {"error": {"error": {"error": {"error": {"error": {"error": {"error": "x"}}}}}}},
        K.BAD_REQUEST,
    ),
    refused("null error", ANYBODY, SYNTHETIC, 400, {"error": None}, K.BAD_REQUEST),
    refused(
        "rate limit upstream",
        "OpenRouter",
        "open-webui/computer#293",
        429,
        openrouter(429, "Provider returned error", "up is temporarily rate-limited upstream"),
        K.RATE_LIMIT,
    ),
    # GLM's and Z.ai's table of codes. Which status a code comes with is documented for a few only, and the words of
    # those from 1303 on are ours: the code has to decide.
    *(
        refused(f"code {code}", "GLM", GLM, status, {"error": {"code": code, "message": words}}, kind)
        for code, status, words, kind in (
            ("1001", 401, "Authentication parameter not received in Header", K.AUTH),
            ("1002", 401, "Invalid Authentication Token", K.AUTH),
            ("1003", 401, "Authentication Token expired", K.AUTH),
            ("1110", 429, "Your account is currently inactive", K.PERMISSION),
            ("1112", 429, "Your account has been locked", K.PERMISSION),
            ("1121", 429, "Account has irregular activities and has been locked", K.PERMISSION),
            ("1210", 400, "Incorrect API call parameters", K.BAD_REQUEST),
            ("1214", 400, "Invalid temperature parameter", K.BAD_REQUEST),
            ("1220", 400, "You do not have permission to access chat", K.PERMISSION),
            ("1221", 400, "API chat has been taken offline", K.NOT_FOUND),
            ("1222", 400, "API chat does not exist", K.NOT_FOUND),
            ("1234", 500, "Network error, error id: 1", K.SERVER_ERROR),
            ("1261", 400, "Prompt is too long", K.CONTEXT_LENGTH),
            ("1303", 429, "High frequency usage of this API", K.RATE_LIMIT),
            ("1304", 429, "Daily call limit for this API reached", K.QUOTA),
            ("1305", 429, "The API has triggered rate limiting", K.RATE_LIMIT),
            ("1308", 429, "Usage limit reached for 5 hour", K.QUOTA),
            ("1309", 429, "Your GLM Coding Plan package has expired", K.QUOTA),
            ("1310", 429, "Weekly or monthly limit exhausted", K.QUOTA),
            ("1311", 429, "The current plan does not include this model", K.PERMISSION),
            ("1312", 429, "The model is experiencing high traffic", K.OVERLOADED),
            ("1313", 429, "Usage does not comply with the fair use policy", K.PERMISSION),
        )
    ),
    refused(
        "tokens a minute, worded as a quota",
        "Qwen",
        "QwenLM/Qwen#2254",
        429,
        openai(
            "Allocated quota exceeded, please increase your quota limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit",
            "insufficient_quota",
            "insufficient_quota",
        ),
        K.RATE_LIMIT,
    ),
    refused("auth", "Qwen", QWEN, 401, openai("Incorrect API key provided.", "invalid_api_key"), K.AUTH),
    refused("permission", "Qwen", QWEN, 403, {"code": "AccessDenied", "message": "Access denied."}, K.PERMISSION),
    refused(
        "unknown model",
        "Qwen",
        QWEN,
        404,
        openai("The model `x` does not exist or you do not have access to it.", "model_not_found"),
        K.NOT_FOUND,
    ),
    refused(
        "context size in a 500",
        "llama.cpp",
        "ggml-org/llama.cpp#19774",
        500,
        {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}},
        K.CONTEXT_LENGTH,
    ),
    refused(
        "the upstream's own body as a text",
        "OpenRouter",
        "diegosouzapw/OmniRoute#3044",
        400,
        openrouter(
            400,
            "Provider returned error",
            json.dumps(
                {
                    "error": {
                        "type": "invalid_request_error",
                        "message": "Model 'm' supports at most 1 image per prompt.",
                    }
                }
            ),
        ),
        K.BAD_REQUEST,
    ),
    refused(
        "the cause as JSON in the message",
        "LiteLLM",
        "anthropics/claude-code#11302",
        400,
        {
            "error": {
                "message": json.dumps(
                    anthropic(
                        "invalid_request_error",
                        "max_tokens: 21333 > 4096, which is the maximum allowed number of output tokens for m",
                    )
                )
                + ". Received Model Group=m",
                "type": "None",
                "param": "None",
                "code": "400",
            }
        },
        K.BAD_REQUEST,
    ),
    refused(
        "a parameter in an object of kind error",
        "Mistral",
        "avante-corp/avante.nvim#2347",
        422,
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "stream_options", "include_usage"],
                        "msg": "Extra inputs are not permitted",
                        "input": True,
                    }
                ]
            },
            "type": "invalid_request_error",
        },
        K.UNSUPPORTED_PARAMETER,
    ),
    refused(
        "a temperature that is pinned",
        "Moonshot",
        "Bike4Mind/bike4mind#1089",
        400,
        openai("invalid temperature: only 1 is allowed for this model"),
        K.BAD_REQUEST,
    ),
    refused(
        "an upstream is out of stock",
        "OpenRouter",
        OPENROUTER,
        503,
        {
            "error": {
                "code": 503,
                "message": "There is no available model provider that meets your routing requirements",
            }
        },
        K.OVERLOADED,
    ),
    refused(
        "limit and context mixed up",
        "Together",
        "docs.together.ai/docs/error-codes",
        403,
        openai(
            "Input token count + max_tokens parameter must be less than the context length of the model being queried."
        ),
        K.CONTEXT_LENGTH,
    ),
]
