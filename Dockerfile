# The project pins its own Node; the image takes the same major version.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build:program && npm prune --omit=dev
# For `kubectl exec`: the final image has no shell and no /usr/bin/env, which the command of the package needs.
RUN mkdir bin && printf '#!/nodejs/bin/node\nimport "/app/dist/cli.js";\n' > bin/rollgate && chmod 755 bin/rollgate

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/bin/rollgate /usr/local/bin/rollgate
USER 65532:65532
EXPOSE 8443 8080
# A small semi-space saves a third of the resident memory when thousands of Rollouts are cached. One thread marks garbage:
# with four, the thread that answers requests gets almost nothing of a single core during that time.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size=384", "--max-semi-space-size=8", "--v8-pool-size=1", "--expose-gc", "dist/cli.js"]
CMD ["serve"]
