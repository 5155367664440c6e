"""Choose the provider and model that answer a message. Pure: no I/O, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.types import Candidate, Choice, Model, Project, Refusal, Route


def resolve(
    candidates: Sequence[Candidate],
    *,
    choice: Choice,
    project: Project | None = None,
    aliases: Mapping[str, str] | None = None,
) -> Route | Refusal:
    """Return who answers and why, or why nobody can.

    Order: the provider chosen with the message, the project's provider, the owner of the model id, the first usable
    provider. A provider that was chosen is never replaced; later steps pass over what cannot be used and say so.
    `candidates` come in table order with the key each would use for this project.
    """
    aliases = aliases or {}
    if choice.provider_id is not None:
        return _chosen(candidates, choice, project, aliases)
    route = _unchosen(candidates, choice, project, aliases)
    if any(c.rests_s for c in candidates) and (isinstance(route, Refusal) or _is_demo(route, candidates)):
        # Whoever rests after failing is still better than nobody, and than the demo.
        awake = [replace(candidate, rests_s=0) for candidate in candidates]
        return _unchosen(awake, choice, project, aliases)
    return route


def problem(candidate: Candidate) -> str | None:
    """Return why this provider cannot answer, with what to do, or None."""
    name = candidate.provider.name
    if not candidate.provider.is_enabled:
        return f"{name} is disabled: enable it under Providers"
    if candidate.key_problem and candidate.provider.requires_key:
        return f"{name}: {candidate.key_problem.rstrip('.')}"
    if not candidate.is_usable:
        return f"{name} has no key: add one under Providers"
    if not candidate.models:
        return f"{name} has no models: add one under Providers"
    return None


def fallbacks(route: Route, candidates: Sequence[Candidate], *, project: Project | None = None) -> list[Route]:
    """Return the routes to try after this one has failed: what the chain names and can be used now.

    The chain is the project's, or where that has none the provider's own.
    """
    found: list[Route] = []
    chain, whose = route.provider.fallbacks, route.provider.name
    if project and project.fallbacks:
        chain, whose = project.fallbacks, f"the project {project.name}"
    for entry in chain:
        provider_id, _, model_id = entry.partition("/")
        candidate = next((c for c in candidates if c.provider.id == provider_id), None)
        model = candidate.model(model_id) if candidate else None
        if candidate is None or model is None or _passed_over(candidate) or candidate.is_demo:
            continue
        if (candidate.provider.id, model.id) == (route.provider.id, route.model.id):
            continue
        found.append(Route(candidate.provider, model, candidate.key, f"fallback of {whose}"))
    return found


def _passed_over(candidate: Candidate) -> str | None:
    if reason := problem(candidate):
        return reason
    return f"{candidate.provider.name} rests after failing" if candidate.rests_s else None


def _is_demo(route: Route, candidates: Sequence[Candidate]) -> bool:
    return any(c.is_demo for c in candidates if c.provider.id == route.provider.id)


def _unchosen(
    candidates: Sequence[Candidate], choice: Choice, project: Project | None, aliases: Mapping[str, str]
) -> Route | Refusal:
    if choice.model_id is not None:
        return _owner(candidates, choice.model_id, project, aliases)
    return _automatic(candidates, project, aliases)


def _chosen(
    candidates: Sequence[Candidate], choice: Choice, project: Project | None, aliases: Mapping[str, str]
) -> Route | Refusal:
    candidate = next((c for c in candidates if c.provider.id == choice.provider_id), None)
    if candidate is None:
        return Refusal("The chosen provider no longer exists: choose another model.")
    if reason := problem(candidate):
        return Refusal(f"{reason}, or choose another model.")
    if choice.model_id is None:
        return _route(candidate, _own_model(candidate, project, aliases), "chosen with the message")
    model = _find(candidate, choice.model_id, aliases)
    if model is None:
        return Refusal(
            f"{candidate.provider.name} has no model {choice.model_id}: choose another, or add it under Providers."
        )
    return _route(candidate, model, "chosen with the message")


def _owner(
    candidates: Sequence[Candidate], model_id: str, project: Project | None, aliases: Mapping[str, str]
) -> Route | Refusal:
    owners = [c for c in candidates if _find(c, model_id, aliases)]
    if not owners:
        return Refusal(f"No provider has a model {model_id}: choose another, or add it under Providers.")
    if project and project.provider_id:
        owners.sort(key=lambda c: c.provider.id != project.provider_id)
    passed = []
    for owner in owners:
        if reason := _passed_over(owner):
            passed.append(reason)
            continue
        is_projects = project is not None and owner.provider.id == project.provider_id
        words = f"the project's provider has {model_id}" if is_projects else f"owner of {model_id}"
        return _route(owner, _find(owner, model_id, aliases), words, passed)
    return Refusal(f"No provider of {model_id} can be used. {'; '.join(passed)}.")


def _automatic(candidates: Sequence[Candidate], project: Project | None, aliases: Mapping[str, str]) -> Route | Refusal:
    passed: list[str] = []
    if project and project.provider_id:
        own = next((c for c in candidates if c.provider.id == project.provider_id), None)
        reason = _passed_over(own) if own else "the project's provider no longer exists"
        if own and not reason:
            return _route(own, _own_model(own, project, aliases), "the project's provider")
        passed.append(reason or "")
    if project and project.model_id:
        for owner in candidates:
            if owner.provider.id == project.provider_id or not (model := _find(owner, project.model_id, aliases)):
                continue
            if reason := _passed_over(owner):
                passed.append(reason)
                continue
            return _route(owner, model, f"owner of the project's model {project.model_id}", passed)
    # What lives on this machine to show the app, the demo, stands behind every real provider.
    for candidate in sorted(candidates, key=lambda c: c.is_demo):
        if problem(candidate) or not candidate.default_model:
            continue
        if reason := _passed_over(candidate):
            passed.append(reason)
            continue
        words = "no other provider can be used" if candidate.is_demo else "the first provider that can be used"
        return _route(candidate, candidate.default_model, words, passed)
    reasons = passed or [reason for c in candidates if (reason := problem(c))]
    return Refusal(f"No provider can answer yet. {'; '.join(reasons[:3])}." if reasons else "Add a provider first.")


def _find(candidate: Candidate, model_id: str, aliases: Mapping[str, str]) -> Model | None:
    return candidate.model(model_id) or candidate.model(aliases.get(model_id, model_id))


def _own_model(candidate: Candidate, project: Project | None, aliases: Mapping[str, str]) -> Model | None:
    """Return the project's model where this provider has it, else the provider's default."""
    own = _find(candidate, project.model_id, aliases) if project and project.model_id else None
    return own or candidate.default_model


def _route(candidate: Candidate, model: Model | None, reason: str, passed: Sequence[str] = ()) -> Route | Refusal:
    if model is None:
        return Refusal(f"{candidate.provider.name} has no default model: choose a model, or set one under Providers.")
    if passed:
        reason = f"{reason}; passed over: {', '.join(passed)}"
    return Route(provider=candidate.provider, model=model, key=candidate.key, reason=reason)
