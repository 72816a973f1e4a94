# The image for JavaScript with Node. Build it in this folder, after runner/build.sh has made dist/:
#     docker build -f Dockerfile.javascript -t bailiwick-javascript .
# The arguments below name another base, registry or certificate bundle (a path in the base image); none stays in the image.
ARG BASE=node:20-slim

FROM ${BASE} AS build
ARG NPM_CONFIG_REGISTRY
ARG NODE_EXTRA_CA_CERTS
COPY package.json package-lock.json /opt/bailiwick/
RUN set -eu; \
    node -e 'if (parseInt(process.versions.node) < 18) { console.error("bailiwick: the base image needs Node 18 or newer"); process.exit(1) }'; \
    cd /opt/bailiwick; \
    npm ci --ignore-scripts --omit=dev --no-audit --no-fund; \
    rm package.json package-lock.json
COPY dist/ /build/dist/
COPY worker.js /opt/bailiwick/
RUN set -eu; \
    runner="/build/dist/runner-$(uname -m)"; \
    if [ ! -f "$runner" ]; then echo "bailiwick: $runner is missing; run runner/build.sh for this machine first" >&2; exit 1; fi; \
    cp "$runner" /opt/bailiwick/runner; \
    chown -R root:root /opt/bailiwick; \
    chmod -R u=rwX,go=rX /opt/bailiwick; \
    chmod 0755 /opt/bailiwick/runner

FROM ${BASE}
COPY --from=build /opt/bailiwick /opt/bailiwick
# The packages are found from /workspace too, by require and import alike. Whoever has the user number 1000 in the base (`node`) makes
# room.
RUN set -eu; \
    ln -s /opt/bailiwick/node_modules /node_modules; \
    sed -i '/^[^:]*:[^:]*:1000:/d; /^sandbox:/d' /etc/passwd /etc/group; \
    echo 'sandbox:x:1000:1000:sandbox:/workspace:/bin/sh' >>/etc/passwd; \
    echo 'sandbox:x:1000:' >>/etc/group; \
    mkdir -p /workspace; \
    chown 1000:1000 /workspace
WORKDIR /workspace
USER 1000:1000
ENTRYPOINT ["/opt/bailiwick/runner"]
