# The project pins its own Node; the image takes the same major version.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER 65532:65532
EXPOSE 8443 8080
# A small semi-space saves a third of the resident memory when thousands of Rollouts are cached. One thread marks garbage:
# with four, the thread that answers requests gets almost nothing of a single core during that time.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size=384", "--max-semi-space-size=8", "--v8-pool-size=1", "dist/cli.js"]
CMD ["serve"]
