FROM python:3.11-slim
RUN useradd --create-home --uid 1000 switchboard && install --directory --owner=switchboard --mode=700 /data
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY . .
USER switchboard
# Behind a container's network, loopback does not mean the user of this machine.
ENV SWITCHBOARD_DATA_DIR=/data SWITCHBOARD_OPEN_ON_LOOPBACK=false
VOLUME /data
EXPOSE 8501
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=3)"]
CMD ["streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.headless=true", "--browser.serverAddress=localhost"]
