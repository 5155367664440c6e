"""The Sign out page: for who came in with the password. The cookie is not the page's to delete: a route does it."""

import streamlit as st

from pages.ui.enter import enter

enter()
st.title("Sign out")
st.caption("This browser then needs the password again. Answers that are being written go on.")
# Not st.link_button, which opens a new tab and leaves this one signed in.
st.html('<a href="/sign-out" target="_self">Sign out of this browser</a>')
