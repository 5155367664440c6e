"""The Data page: where everything lies, and everything in one file to take away or bring back."""

from datetime import UTC, datetime

import streamlit as st

from core.errors import SwitchboardError
from core.store.archive import pack
from core.store.backup import backups
from pages.ui.enter import enter, replace_data
from pages.ui.figures import size
from pages.ui.safe import literal
from pages.ui.session import session

workbench = enter()
tab = session()
config, store = workbench.config, workbench.store
while tab.toasts:
    st.toast(tab.toasts.pop(0), icon=":material/check_circle:", duration="long")

st.title("Data")
st.caption("Everything Switchboard knows lies in two DuckDB files of your own. Take it away, or bring it back.")
if not config.disk_lasts:
    st.warning(
        "What is written here is lost when the app restarts. Download a backup before you leave, and restore it when "
        "you come back.",
        title="This app's disk does not last",
        icon=":material/cloud_off:",
    )

st.subheader("Files")
files = [database.path for database in (store.settings, store.log)]
st.dataframe(
    [
        {
            "File": file.name,
            "Holds": holds,
            "Size": size(sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*") if part.is_file())),
            "Daily backups": ", ".join(
                f"{datetime.fromtimestamp(backup.stat().st_mtime, UTC):%d %b}"
                for backup in backups(file, occasion="daily")
            )
            or "none yet",
        }
        for file, holds in zip(
            files, ("providers, models, projects, encrypted keys", "conversations, one row per request"), strict=True
        )
    ],
    hide_index=True,
    alt="The two database files with their sizes and backups",
)
st.markdown(f"They lie in `{config.data_dir}`, with their backups in `backups`. While Switchboard runs it holds both.")

st.subheader("Take everything away")
st.caption("One zip archive of both files. API keys are in it encrypted; the encryption key is not.")
if st.button("Make a backup", icon=":material/archive:"):
    try:
        with st.spinner("Packing…"):
            tab.backup = pack(store, now=datetime.now(UTC))
    except SwitchboardError as error:
        st.error(literal(error.message))
if tab.backup:
    st.download_button(
        f"Download ({size(len(tab.backup))})",
        tab.backup,
        file_name=f"switchboard-{datetime.now(UTC):%Y-%m-%d}.zip",
        mime="application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )

st.subheader("Bring it back")
st.caption("A backup takes the place of everything that is here now. What was here is kept in a folder beside it.")
uploaded = st.file_uploader("A backup of Switchboard", type="zip", key="restore", max_upload_size=500)
if uploaded:
    running = workbench.engine.running()
    if running:
        st.info(f"{len(running)} answers are being written. They will be stopped, with what they have.")
    if st.button("Replace everything by this backup", icon=":material/settings_backup_restore:"):
        try:
            replace_data(uploaded.getvalue())
        except SwitchboardError as error:
            st.error(literal(error.message))
        else:
            tab.toasts.append("The backup is in place.")
            tab.backup = None
            tab.conversation_id = None
            st.rerun()
