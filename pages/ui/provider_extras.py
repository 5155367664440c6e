"""The end of the Providers page: stored keys, the trash, and settings as a file."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from core.errors import SwitchboardError
from core.provider_file import Standing, bring_in, plan, write_file
from core.stored_keys import KeyStanding
from core.workbench import TRASH_KEPT, Workbench
from pages.ui.provider_forms import apply, done
from pages.ui.safe import literal

_KEY_WORDS = {
    KeyStanding.CURRENT: "under the newest encryption key",
    KeyStanding.OLDER: "under an older encryption key",
    KeyStanding.UNREADABLE: "cannot be read",
}


def provider_extras(workbench: Workbench) -> None:
    _keys(workbench)
    _trash(workbench)
    _file(workbench)


def _keys(workbench: Workbench) -> None:
    keys = workbench.providers.stored_keys.report()
    if not keys:
        return
    lost = [key for key in keys if key.standing is KeyStanding.UNREADABLE]
    older = sum(key.standing is KeyStanding.OLDER for key in keys)
    title = f"Stored keys ({len(keys)})" + (f" · {len(lost)} cannot be read" if lost else "")
    with st.expander(title, expanded=bool(lost), icon=":material/key:"):
        table = pd.DataFrame(
            {
                "Provider": [key.provider for key in keys],
                "Project": [key.project for key in keys],
                "Sent to": [key.origin for key in keys],
                "Encrypted": [_KEY_WORDS[key.standing] for key in keys],
            }
        )
        st.dataframe(table, hide_index=True, placeholder="–", alt="Stored keys and how they are encrypted")
        for problem in dict.fromkeys(key.problem for key in lost if key.problem):
            st.warning(literal(problem), icon=":material/key_off:")
        st.caption(
            "To change the encryption key, set ENCRYPTION_KEY to the new one and the old one, separated by a comma, "
            "and restart. Then re-encrypt, and the old one can go. What cannot be read is left as it is."
        )
        if st.button("Re-encrypt keys", icon=":material/enhanced_encryption:", disabled=not older):
            rest = f" {len(lost)} cannot be read and were left." if lost else ""
            apply(
                lambda: workbench.providers.stored_keys.reencrypt(),
                f"{older} of {len(keys)} keys are now under the newest encryption key.{rest}",
            )


def _trash(workbench: Workbench) -> None:
    deleted = workbench.store.providers.deleted()
    if not deleted:
        return
    with st.expander(f"Trash ({len(deleted)})", icon=":material/delete:"):
        st.caption("A provider comes back with its models. Its key is forgotten and has to be entered again.")
        for provider, since in deleted:
            days = max((since + TRASH_KEPT - datetime.now(UTC)) // timedelta(days=1), 0)
            with st.container(horizontal=True, vertical_alignment="center"):
                name = literal(provider.name)
                st.markdown(f"{name} · {days} days left", width="stretch")
                if st.button("Restore", key=f"restore_{provider.id}", icon=":material/restore_from_trash:"):
                    apply(lambda chosen=provider: workbench.providers.restore(chosen), f"{name} is back.")  # type: ignore[misc]


def _file(workbench: Workbench) -> None:
    with st.expander("Settings as a file", icon=":material/file_copy:"):
        st.caption(
            "Your own providers with models and prices, and what you changed of the built-in ones. Without keys."
        )
        st.download_button(
            "Export",
            lambda: write_file(workbench.providers.candidates()),
            file_name="switchboard-providers.toml",
            mime="application/toml",
            icon=":material/download:",
            on_click="ignore",
        )
        uploaded = st.file_uploader("Import a file", type="toml", key="provider_file", max_upload_size=5)
        if uploaded:
            import_preview(workbench, uploaded.getvalue())


def import_preview(workbench: Workbench, data: bytes) -> None:
    """Draw what a file would change, and change it when asked to."""
    try:
        entries = plan(data.decode("utf-8"), workbench.providers)
    except UnicodeDecodeError:
        st.error("This is not a text file.", icon=":material/error:")
        return
    except SwitchboardError as error:
        st.error(literal(error.message), icon=":material/error:")
        return
    table = pd.DataFrame(
        {
            "Provider": [entry.name for entry in entries],
            "Standing": [entry.standing.value for entry in entries],
            "What": [entry.words for entry in entries],
        }
    )
    st.dataframe(table, hide_index=True, alt="Providers of the file and what each would change")
    chosen = [entry for entry in entries if entry.standing in (Standing.NEW, Standing.CHANGED)]
    words = f"{len(chosen)} providers" if len(chosen) != 1 else "1 provider"
    if st.button(f"Import {words}", type="primary", icon=":material/check:", disabled=not chosen):
        try:
            bring_in(chosen, workbench.providers, workbench.store)
        except SwitchboardError as error:
            st.error(literal(error.message), icon=":material/error:")
        else:
            done(f"{words} imported. Enter their keys, then verify them.")
