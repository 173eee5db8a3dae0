# The operator's image for those who have registries: docker build -t careen .
# `make image` makes the same without one, smaller, and with equal digests from equal sources.
FROM docker.io/library/node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# Without scripts: the bundler needs none, and this image has its Node already.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/image/write-operator.ts /operator

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /operator /
USER 65532:65532
EXPOSE 8080
# `node` is the entry point of this base.
CMD ["/app/careen.mjs"]
