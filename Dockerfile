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
# The semi-space is kept small: with thousands of Rollouts cached it saves a third of the resident memory. Garbage is marked by one thread: four of them leave whoever answers requests
# hardly anything of a single core while they do.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size=384", "--max-semi-space-size=8", "--v8-pool-size=1", "dist/cli.js"]
CMD ["serve"]
