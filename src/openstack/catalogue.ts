/** The services of a cloud and where they are: what Keystone sends with a token. */
import { z } from 'zod';
import type { Cloud } from './cloud.ts';
import { OpenStackError } from './errors.ts';

export const catalogueSchema = z.array(
  z.object({
    type: z.string(),
    endpoints: z
      .array(
        z.object({
          interface: z.string(),
          region: z.string().nullish(),
          region_id: z.string().nullish(),
          url: z.string(),
        }),
      )
      .catch([]),
  }),
);
export type Catalogue = z.infer<typeof catalogueSchema>;

/** The URL of a service without a slash at its end. Throws an OpenStackError that says what the catalogue has instead. */
export function endpointOf(catalogue: Catalogue, service: string, cloud: Cloud): string {
  const ofService = catalogue.filter(({ type }) => type === service).flatMap(({ endpoints }) => endpoints);
  const fail = (why: string): never => {
    throw new OpenStackError('no-endpoint', `the catalogue of cloud ${cloud.name} has ${why}`);
  };
  if (ofService.length === 0)
    return fail(`no service of type ${service}: it has ${listed(catalogue.map(({ type }) => type))}`);
  const ofInterface = ofService.filter((each) => each.interface.replace(/URL$/, '') === cloud.interface);
  const regions = ofInterface.map(regionOf);
  const inRegion = ofInterface.filter(
    (each) => cloud.region === undefined || regionOf(each) === cloud.region,
  );
  const [endpoint, ...others] = inRegion;
  if (!endpoint) {
    const where = cloud.region === undefined ? '' : ` in region ${JSON.stringify(cloud.region)}`;
    const interfaces = ofService.map((each) => `${each.interface} in ${regionOf(each)}`);
    return fail(`no ${cloud.interface} endpoint of ${service}${where}: it has ${listed(interfaces)}`);
  }
  if (others.some((each) => regionOf(each) !== regionOf(endpoint)))
    return fail(`${service} in several regions: set region_name to one of ${listed(regions)}`);
  if (!URL.canParse(endpoint.url))
    return fail(`${JSON.stringify(endpoint.url)} for ${service}, which is no URL`);
  return endpoint.url.replace(/\/+$/, '');
}

function regionOf(endpoint: Catalogue[number]['endpoints'][number]): string {
  return endpoint.region_id ?? endpoint.region ?? '';
}

function listed(all: readonly string[]): string {
  return [...new Set(all)].toSorted().join(', ') || 'none';
}
