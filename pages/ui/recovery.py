"""The page that opens instead of all others when a database file is damaged: what happened, and the ways out."""

from datetime import UTC, datetime

import streamlit as st

from core.errors import Damaged
from core.store.backup import backups, restore, set_wal_aside


def recovery(damaged: Damaged) -> None:
    """Say what is damaged and offer what can be done. Nothing is deleted: damaged files are kept under another name."""
    path = damaged.path
    st.title("A file of Switchboard is damaged")
    st.error(damaged.message, icon=":material/healing:")
    st.caption(f"It lies in {path.parent}. Nothing has been changed. Make a copy of that folder first if you can.")
    now = datetime.now(UTC)
    if damaged.has_wal:
        st.subheader("Open it without its write-ahead log")
        st.write(
            "What was written since the last checkpoint, as a rule the last messages, will be missing. "
            "The log is kept beside it under another name."
        )
        if st.button("Set the write-ahead log aside", icon=":material/drive_file_move:"):
            set_wal_aside(path, now=now)
            st.rerun()
    found = backups(path)
    st.subheader("Open a backup")
    if not found:
        st.write("There is no backup of this file yet.")
        return
    chosen = st.selectbox(
        "Backup",
        found,
        format_func=lambda file: f"{datetime.fromtimestamp(file.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC",
    )
    st.write("The damaged file is kept beside it under another name.")
    if st.button("Open this backup", icon=":material/settings_backup_restore:"):
        try:
            restore(path, chosen, now=now)
        except OSError as error:
            st.error(f"The backup could not be copied: {error.strerror}. Nothing has been changed.")
            return
        st.rerun()
