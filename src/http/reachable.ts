/**
 * The addresses that the operator calls because somebody else named them: without a bound they could reach through it what
 * only the operator can.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** A name leads only to addresses that may not be called. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

const NEVER = new BlockList();
/** This machine, by whatever address. */
NEVER.addSubnet('0.0.0.0', 8, 'ipv4');
NEVER.addSubnet('127.0.0.0', 8, 'ipv4');
NEVER.addAddress('::', 'ipv6');
NEVER.addAddress('::1', 'ipv6');
/** Link-local, where clouds have their metadata; and the addresses that some of them have elsewhere. */
NEVER.addSubnet('169.254.0.0', 16, 'ipv4');
NEVER.addSubnet('fe80::', 10, 'ipv6');
NEVER.addAddress('100.100.100.200', 'ipv4');
NEVER.addAddress('168.63.129.16', 'ipv4');
NEVER.addAddress('fd00:ec2::254', 'ipv6');
/** Nobody answers there. */
NEVER.addSubnet('224.0.0.0', 4, 'ipv4');
NEVER.addAddress('255.255.255.255', 'ipv4');
NEVER.addSubnet('ff00::', 8, 'ipv6');
/** The first ones within IPv6, as a gateway reads them. */
NEVER.addSubnet('64:ff9b::7f00:0', 104, 'ipv6');
NEVER.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
NEVER.addSubnet('2002::', 16, 'ipv6');

/** Why an address may not be called; undefined when it may. @param listed the addresses that are allowed all the same */
export function addressRefusal(address: string, listed: readonly string[]): string | undefined {
  const family = isIP(address);
  const isRefused = family !== 0 && NEVER.check(address, family === 6 ? 'ipv6' : 'ipv4');
  return isRefused && !listed.includes(address)
    ? `${address} is an address of the operator's own machine or network link`
    : undefined;
}

/** Resolves names for connections, without the addresses that may not be called. */
export function boundedLookup(listed: readonly string[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => addressRefusal(address, listed) === undefined);
      const [usable] = allowed;
      if (!usable) {
        const refused = addressRefusal(addresses[0]?.address ?? '', listed);
        return callback(new RefusedAddress(refused ?? `${hostname} has no address`), []);
      }
      if (options.all) return callback(null, allowed);
      return callback(null, usable.address, usable.family);
    });
  };
}
