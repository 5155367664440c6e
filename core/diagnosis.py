"""At which step a provider fails, in words, and what might help: judged from what was seen. Pure: it asks nobody."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.discovery import new_models
from core.errors import ErrorKind, InvalidInput, ProviderError
from core.runners import RUNNERS
from core.types import Candidate, Model, ModelInfo, Provider
from core.urls import normalise, origin
from core.verify import Probe

# The server took the request for what it is, whatever it thinks of the key or of its own load.
_UNDERSTOOD = {
    ErrorKind.AUTH,
    ErrorKind.PERMISSION,
    ErrorKind.QUOTA,
    ErrorKind.RATE_LIMIT,
    ErrorKind.OVERLOADED,
    ErrorKind.CONTENT_FILTER,
    ErrorKind.CONTEXT_LENGTH,
}
# Known to be sent only after the key was accepted.
_BEHIND_THE_KEY = _UNDERSTOOD - {ErrorKind.AUTH}
_NOT_FOR_CHAT = re.compile(
    r"embed|rerank|whisper|tts|speech|transcri|moderation|dall-e|image|sora|guard", re.IGNORECASE
)
_VERSION = re.compile(r"/v\d+[a-z]*$")


class Step(StrEnum):
    URL = "Base URL"
    CONNECTION = "Connection"
    KEY = "Key"
    MODELS = "Model list"
    ANSWER = "Streamed answer"
    USAGE = "Usage"


class Outcome(StrEnum):
    OK = "ok"
    DOUBTFUL = "doubtful"  # it works without
    FAILED = "failed"
    SKIPPED = "skipped"  # an earlier step keeps it from being known


@dataclass(frozen=True, slots=True)
class Finding:
    step: Step
    outcome: Outcome
    words: str
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Talk to the provider at another path of the same server, or in the other protocol."""

    protocol: str
    base_url: str


@dataclass(frozen=True, slots=True)
class UseModel:
    """Make this model the default; add it first when it is new here."""

    model: Model
    is_new: bool


Fix = MoveTo | UseModel


@dataclass(frozen=True, slots=True)
class Diagnosis:
    provider: Provider  # as it was examined, saved or not
    findings: tuple[Finding, ...]
    fixes: tuple[Fix, ...] = ()  # each was tried, the best first

    @property
    def is_well(self) -> bool:
        return all(finding.outcome is not Outcome.FAILED for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Listed:
    """What came of asking for the model list."""

    took_ms: int
    models: tuple[ModelInfo, ...] = ()
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Both probes of one address."""

    listed: Listed
    model: Model | None = None  # which was asked
    answer: Probe | None = None  # None: nothing was asked


def variants(provider: Provider) -> tuple[MoveTo, ...]:
    """Return where else the server's API might be: with or without /v1, in the other protocol. Pure.

    Never at another origin, where the key does not belong; nowhere for a built-in, whose address is fixed.
    """
    if provider.is_builtin or not provider.base_url:
        return ()
    base = _VERSION.sub("", provider.base_url)
    found = []
    for protocol, spec in RUNNERS.items():
        if spec.is_offered and spec.has_base_url:
            found += [MoveTo(protocol, normalise(url, protocol)) for url in (f"{base}/v1", base)]
    here = MoveTo(provider.protocol, provider.base_url)
    same = [move for move in dict.fromkeys(found) if move != here and origin(move.base_url) == origin(here.base_url)]
    return tuple(sorted(same, key=lambda move: move.protocol != provider.protocol))


def model_fixes(candidate: Candidate, seen: Seen) -> list[UseModel]:
    """Return models that the provider lists, where the asked one is not among them or there is none here. Pure."""
    listed = {info.id for info in seen.listed.models}
    asked = seen.model
    if not listed or asked is None:
        return []
    if not candidate.models:
        return [UseModel(asked, is_new=True)] if seen.answer is None or seen.answer.error is None else []
    if seen.answer is None or seen.answer.error is None or asked.id in listed:
        return []
    here = [model for model in candidate.models if model.id in listed]
    here.sort(key=lambda model: model.id != asked.replacement)
    if here:
        return [UseModel(model, is_new=False) for model in here[:2]]
    new = {model.id: model for model in new_models(candidate.provider, seen.listed.models)}
    close = difflib.get_close_matches(asked.id, list(new), n=2, cutoff=0.5)
    first = first_for_chat(candidate.provider, seen.listed.models)
    ids = dict.fromkeys([asked.replacement, *close])
    found = [new[model_id] for model_id in ids if model_id in new] or ([first] if first else [])
    return [UseModel(model, is_new=True) for model in found]


def judge(candidate: Candidate, seen: Seen | None, *, address_problem: str = "") -> list[Finding]:
    """Return one finding for each step, in order. Pure. Without `seen` nothing was sent, because of the address."""
    if seen is None:
        found = Finding(Step.URL, Outcome.FAILED, address_problem)
        return [found, *(Finding(step, Outcome.SKIPPED, "Not tried.") for step in list(Step)[1:])]
    if not is_reached(seen.listed.error):
        error = seen.listed.error
        words = error.message if error else ""
        unknown = [Finding(step, Outcome.SKIPPED, "Not tried.") for step in list(Step)[2:]]
        return [_url(candidate, seen), Finding(Step.CONNECTION, Outcome.FAILED, words, seen.listed.took_ms), *unknown]
    reached = Finding(Step.CONNECTION, Outcome.OK, "The server answered.", seen.listed.took_ms)
    if not candidate.provider.base_url:
        reached = Finding(Step.CONNECTION, Outcome.OK, "None is needed.")
    return [
        _url(candidate, seen),
        reached,
        _key(candidate, seen),
        _models(candidate, seen),
        _answer(candidate, seen),
        _usage(seen),
    ]


def _url(candidate: Candidate, seen: Seen) -> Finding:
    url = candidate.provider.base_url
    redirect = next((error for error in _errors(seen) if error.kind is ErrorKind.REDIRECT_BLOCKED), None)
    if redirect and not _is_answered(seen):
        return Finding(Step.URL, Outcome.FAILED, redirect.message)
    is_lost = seen.answer is not None and seen.answer.error is not None and _is_lost(seen.answer.error)
    if is_lost and (seen.listed.error is not None and _is_lost(seen.listed.error)):
        return Finding(Step.URL, Outcome.FAILED, f"{url} is a good address, but no API was found there.")
    if url.startswith("http://") and candidate.key and _is_public(url):
        return Finding(Step.URL, Outcome.DOUBTFUL, f"{url} is not encrypted: the key can be read on its way.")
    return Finding(Step.URL, Outcome.OK, f"{url} is a good address." if url else "None is needed.")


def _is_public(url: str) -> bool:
    """Say whether the address is neither this machine nor its own network."""
    try:
        normalise(url, "", allow_private=False)
    except InvalidInput:
        return False
    return True


def _key(candidate: Candidate, seen: Seen) -> Finding:
    needs, has = candidate.provider.requires_key, candidate.key is not None
    if needs and not has:
        return Finding(Step.KEY, Outcome.FAILED, candidate.key_problem or "No API key. Enter one.")
    took_ms = seen.answer.latency_ms if seen.answer else seen.listed.took_ms
    refusal = next((error for error in _errors(seen) if error.kind is ErrorKind.AUTH), None)
    if refusal and not _is_answered(seen):
        words = refusal.message if has else "The server asks for a key. Tick “Needs a key” and enter one."
        return Finding(Step.KEY, Outcome.FAILED, words, took_ms)
    if not has:
        return Finding(Step.KEY, Outcome.OK, "None is stored, and none was asked for.")
    denial = next((error for error in _errors(seen) if error.kind is ErrorKind.PERMISSION), None)
    if denial and not _is_answered(seen):
        return Finding(Step.KEY, Outcome.DOUBTFUL, denial.message, took_ms)
    if _is_answered(seen) or seen.listed.models or any(error.kind in _BEHIND_THE_KEY for error in _errors(seen)):
        return Finding(Step.KEY, Outcome.OK, "The key was accepted.", took_ms)
    return Finding(Step.KEY, Outcome.SKIPPED, "The server did not get as far as looking at it.")


def _models(candidate: Candidate, seen: Seen) -> Finding:
    listed, took_ms = seen.listed, seen.listed.took_ms
    if listed.error:
        if listed.error.kind is ErrorKind.AUTH and not _is_answered(seen):
            return Finding(Step.MODELS, Outcome.SKIPPED, "Not sent without a key that is accepted.", took_ms)
        return Finding(Step.MODELS, Outcome.DOUBTFUL, f"{listed.error.message} Chat works without a list.", took_ms)
    count = f"{len(listed.models):,} models" if len(listed.models) != 1 else "1 model"
    if seen.model is None or not listed.models:
        return Finding(Step.MODELS, Outcome.DOUBTFUL, "The list is empty. Add models by hand.", took_ms)
    if seen.model.id in {info.id for info in listed.models}:
        return Finding(Step.MODELS, Outcome.OK, f"{count}, {seen.model.id} among them.", took_ms)
    outcome = Outcome.DOUBTFUL if _is_answered(seen) else Outcome.FAILED
    return Finding(Step.MODELS, outcome, f"{count}, but {seen.model.id} is not among them.", took_ms)


def _answer(candidate: Candidate, seen: Seen) -> Finding:
    if seen.answer is None:
        lack = "key" if lacks_key(candidate) else "model"
        outcome = Outcome.SKIPPED if lack == "key" else Outcome.FAILED
        return Finding(Step.ANSWER, outcome, f"Nothing was asked: there is no {lack}.")
    if seen.answer.error:
        return Finding(Step.ANSWER, Outcome.FAILED, seen.answer.error.message, seen.answer.latency_ms)
    name = seen.model.name if seen.model else candidate.provider.name
    return Finding(Step.ANSWER, Outcome.OK, f"{name} answered.", seen.answer.latency_ms)


def _usage(seen: Seen) -> Finding:
    if not _is_answered(seen) or seen.answer is None:
        return Finding(Step.USAGE, Outcome.SKIPPED, "Not known without an answer.")
    usage = seen.answer.usage
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        words = "The provider sends no token counts: Switchboard estimates them and marks them so."
        return Finding(Step.USAGE, Outcome.DOUBTFUL, words)
    return Finding(Step.USAGE, Outcome.OK, f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out.")


def _errors(seen: Seen) -> list[ProviderError]:
    found = [seen.answer.error if seen.answer else None, seen.listed.error]
    return [error for error in found if error is not None]


def _is_answered(seen: Seen) -> bool:
    return seen.answer is not None and seen.answer.error is None


def is_reached(error: ProviderError | None) -> bool:
    """Say whether whatever is at the address spoke at all."""
    return error is None or error.http_status is not None or error.kind not in (ErrorKind.NETWORK, ErrorKind.TIMEOUT)


def _is_lost(error: ProviderError) -> bool:
    """Say whether nothing at this path takes such requests."""
    return error.kind in (ErrorKind.NOT_FOUND, ErrorKind.MALFORMED) or error.http_status in (404, 405)


def is_misplaced(seen: Seen) -> bool:
    """Say whether it may be the address or the protocol that is wrong."""
    if not is_reached(seen.listed.error):
        return False
    error = seen.answer.error if seen.answer else seen.listed.error
    return error is not None and (_is_lost(error) or error.kind is ErrorKind.BAD_REQUEST)


def lacks_key(candidate: Candidate) -> bool:
    return candidate.provider.requires_key and candidate.key is None


_ANSWERED, _UNDERSTANDS, _LISTS, _NOTHING = 3, 2, 1, 0


def score(seen: Seen) -> int:
    """Return how far a provider gets, for comparing two addresses of it."""
    if _is_answered(seen):
        return _ANSWERED
    if seen.answer is not None and seen.answer.error is not None and seen.answer.error.kind in _UNDERSTOOD:
        return _UNDERSTANDS
    is_refused = seen.listed.error is not None and seen.listed.error.kind is ErrorKind.AUTH
    return _LISTS if seen.answer is None and (seen.listed.models or is_refused) else _NOTHING


def first_for_chat(provider: Provider, listed: Sequence[ModelInfo]) -> Model | None:
    """Return the first listed model that is likely to chat."""
    models = new_models(provider, listed)
    return next((model for model in models if not _NOT_FOR_CHAT.search(model.id)), next(iter(models), None))
