/** Where releases of the image are; charts/careen/values.yaml and deploy/base/deployment.yaml name it, too. */
export const IMAGE_REPOSITORY = 'ghcr.io/careen-dev/careen';
