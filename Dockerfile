# IntelliRouter in a container: one executable on a base without shell or package manager, run by nobody.
#   docker build -t intellirouter .
#   docker run -p 8000:8000 -v intellirouter:/var/lib/intellirouter intellirouter run
# The first start prints an admin key, once.

FROM oven/bun:1.4.5 AS build
WORKDIR /source
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
COPY plugins ./plugins
COPY scripts/build.sh scripts/tools.sh ./scripts/
# The build installs nothing further: what it needs is already there, as the lockfile says.
RUN printf 'full %s\n' "$(cksum < bun.lock)" > node_modules/.intellirouter-lock && ./scripts/build.sh
# A volume keeps the owner of the folder that it is first mounted over.
RUN mkdir -p /state/intellirouter && chmod 0700 /state/intellirouter

# "base" and not "static": the executable needs glibc. "cc" is not needed.
FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /source/dist/intellirouter /usr/local/bin/intellirouter
COPY --from=build --chown=65532:65532 /state/intellirouter /var/lib/intellirouter
ENV INTELLIROUTER_SERVER__HOST=0.0.0.0 \
    XDG_STATE_HOME=/var/lib \
    NO_COLOR=1
VOLUME /var/lib/intellirouter
EXPOSE 8000
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["/usr/local/bin/intellirouter", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/intellirouter"]
CMD ["run"]
