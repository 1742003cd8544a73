# LAMP with its compute engine built in.
#   docker build -t lamp .                              for CPUs
#   docker build -t lamp:gpu --build-arg ENGINE=gpu .   for NVIDIA GPUs (CUDA comes with the engine; the host needs the driver)
FROM node:22-bookworm-slim

RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates g++ python3-pip \
  && rm -rf /var/lib/apt/lists/*

ENV LAMP_CACHE=/opt/lamp
WORKDIR /lamp

COPY . .
ARG ENGINE=cpu
# An image whose engine is not the one that was asked for is not worth having: --strict. Without a compiler it is smaller.
RUN npm run setup -- --${ENGINE} --strict \
  && rm -rf /root/.cache /root/.npm \
  && apt-get purge --yes --auto-remove g++ python3-pip

VOLUME /lamp/runs
ENTRYPOINT ["node", "bin/lamp.mjs"]
CMD ["train", "examples/brain9/run.yaml"]
