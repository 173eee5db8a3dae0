import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, versionIn } from '../../../src/planner/hosts/version.ts';

/** Each line goes from low to high; `=` stands between versions that are equal. Values as nodes and labels show them. */
const LADDERS = `
k3s          v1.30.4-rc1+k3s1 < v1.30.4-rc2+k3s1 < v1.30.4 < v1.30.4+k3s1 < v1.30.4+k3s2 < v1.30.4+k3s10 < v1.30.5+k3s1
RKE2         v1.30.4-alpha1+rke2r1 < v1.30.4-rc1+rke2r1 < v1.30.4+rke2r1 < v1.30.4+rke2r2 < v1.30.4+rke2r10 < v1.31.0+rke2r1
k0s          v1.30.4+k0s.0 < v1.30.4+k0s.1 < v1.30.4+k0s.10 < v1.30.5+k0s.0
Kubernetes   v1.31.0-alpha.3 < v1.31.0-beta.0 < v1.31.0-rc.0 < v1.31.0-rc.1 < v1.31.0 = 1.31 < v1.31.1 < v1.31.10
EKS          v1.30.2-eks-1552ad0 < v1.30.4 < v1.30.4-eks-a737599 < v1.30.6-eks-94953ac < v1.31.0-eks-a737599
GKE          v1.30.3-gke.1348000 < v1.30.3-gke.1969001 < v1.30.3-gke.12000000 < v1.30.4-gke.1014000
a hash       v1.28.9 < v1.28.9+ec12f3a < v1.28.10
OCP          4.17.0-ec.3 < 4.17.0-rc.0 < 4.17.0 < 4.18.0-0.nightly-2024-10-01-000000 < 4.18.0
short forms  v1.30 < 1.30+k3s1 < v1.30.0+k3s2 = 1.30+k3s2 < v1.30.0+k3s9 < 1.30.1
GKE short    1.30-gke.100 < 1.30.0-gke.200 < 1.30-gke.300
major only   5:24-1 < 5:24.0.0-2 < 5:24.0-3
builds       v1.30.0-SNAPSHOT < v1.30.0 < 21-ea+34 < 21-ea+35 < 21 < 21.0.1-canary.2 < 22-eap < 22
architecture 5.14.0-427.el9 = 5.14.0-427.el9.aarch64 = 5.14.0-427.el9.x86_64 = 5.14.0-427.el9.aarch64+64k < 5.14.0-503.el9.ppc64le
Debian arch  6.1.0-21-amd64 = 6.1.0-21-arm64 < 6.1.0-21-cloud-amd64 < 6.1.0-22-arm64
deb package  1.30.4-1 = 1.30.4-1_amd64 = 1.30.4-1_riscv64 < 1.30.4-2_amd64
EC2          6.1.0-21 < 6.1.0-21-ec2
OpenShift    v1.27.8+4fab27b < v1.28.9+416ecaf < v1.29.6+aba1e8d
Debian       5.10.0-28-amd64 < 5.10.0-28-cloud-amd64 < 6.1.0-0.deb11.13-amd64 < 6.1.0-0.deb11.17-amd64 < 6.1.0-9-amd64 < 6.1.0-21-amd64 < 6.12.48+deb13-amd64 < 6.12.48+deb13+1-amd64
Debian rc    6.12.0-rc6 < 6.12-rc7-amd64 < 6.12.9-amd64
Ubuntu       5.15.0-1053-gke < 5.15.0-1064-azure < 6.8.0-45-generic < 6.8.0-100-generic < 6.8.0-1016-aws
RHEL         4.18.0-193.el8.x86_64 < 4.18.0-553.el8_10.x86_64 < 5.14.0-427.el9 < 5.14.0-427.13.1.el9_4.x86_64 < 5.14.0-503.el9
RHEL rt      4.18.0-193.rt13.51.el8.x86_64 < 4.18.0-193.rt13.70.el8.x86_64 < 4.18.0-305.rt7.72.el8.x86_64
RHEL 9 rt    5.14.0-70.13.1.rt21.83.el9_0.x86_64 < 5.14.0-70.22.1.rt21.94.el9_0.x86_64
Fedora       6.8.5-301.fc40.x86_64 < 6.10.0-0.rc3.20240613.29.fc41.x86_64 < 6.10.0-0.rc6.51.fc41.x86_64 < 6.10.0 < 6.10.0-64.fc41.x86_64
SUSE         5.3.18-150300.59.87-default < 5.3.18-150300.59.93 < 5.3.18-150300.59.93-preempt < 5.14.21-150500.55.68-default < 6.4.0-150600.23.17-default
Amazon       4.14.355-275.572.amzn2.x86_64 < 4.14.355-275.603.amzn2.x86_64 < 5.10.225-213.878.amzn2.x86_64 < 6.1.112-122.189.amzn2023.x86_64
Oracle       5.4.17-2136.330.7.1.el8uek.x86_64 < 5.15.0-210.163.7.el8uek.x86_64 < 5.15.0-300.163.18.el8uek.x86_64
openEuler    5.10.0-182.0.0.95.oe2203sp3.x86_64 < 5.10.0-216.0.0.115.oe2203sp4.x86_64
COS          5.15.133+ < 6.1.85+ < 6.1.100+
Talos        6.6.52-talos < 6.6.54-talos < 6.12.18-talos
Flatcar      6.1.96-flatcar < 6.6.54-flatcar
Raspberry    6.6.28-v8+ < 6.6.31+rpt-rpi-v8
Alpine       6.6.41-0-lts < 6.6.43-0-lts
Proxmox      6.8.4-3-pve < 6.8.12-1-pve < 6.8.12-10-pve
Azure        5.15.160.1-1.cm2 < 6.6.47.1-1.azl3
Windows      10.0.17763.5329 < 10.0.20348.2527 < 10.0.20348.2700
containerd   containerd://1.6.20~ds1 < containerd://1.6.20 < containerd://1.7.13 < containerd://1.7.17-k3s1 < containerd://1.7.17-k3s2 < containerd://1.7.22+bottlerocket < containerd://2.0.0-rc.3 < containerd://2.0.0
CRI-O        cri-o://1.28.4 < cri-o://1.29.5-5.rhaos4.16.git7032128.el9 < cri-o://1.29.5-7.rhaos4.16.git7db4ada.el9
Docker       docker://19.3.15 < docker://20.10.9 < docker://20.10.21
Bottlerocket Bottlerocket OS 1.19.5 (aws-k8s-1.30) < 1.20.1 < Bottlerocket OS 1.20.1 (aws-k8s-1.30) < Bottlerocket OS 1.20.1 (aws-k8s-1.31) < Bottlerocket OS 1.20.10 (aws-k8s-1.29)
Talos OS     Talos (v1.9.0-beta.1) < Talos (v1.9.0) < Talos (v1.9.5) = 1.9.5 < Talos (v1.10.0)
Ubuntu OS    Ubuntu 20.04.6 LTS < 22.04 < Ubuntu 22.04.4 LTS < Ubuntu 22.04.5 LTS < Ubuntu 24.04 LTS
Debian OS    Debian GNU/Linux 9 (stretch) < Debian GNU/Linux 11 (bullseye) < Debian GNU/Linux 12 (bookworm)
RHEL OS      Red Hat Enterprise Linux 9.4 Beta (Plow) < Red Hat Enterprise Linux 9.4 (Plow) < Red Hat Enterprise Linux 9.10 (Plow)
RHCOS        Red Hat Enterprise Linux CoreOS 415.92.202402130021-0 (Plow) < Red Hat Enterprise Linux CoreOS 416.94.202407030122-0
SLES OS      SUSE Linux Enterprise Server 15 SP4 < 15 SP5 = SUSE Linux Enterprise Server 15 SP5 < SUSE Linux Enterprise Server 15 SP6
openEuler OS openEuler 22.03 (LTS-SP3) < openEuler 22.03 (LTS-SP4)
Amazon OS    Amazon Linux 2 < Amazon Linux 2023 < Amazon Linux 2023.5.20240708 < Amazon Linux 2023.6.20241010
Flatcar OS   Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo) < Flatcar Container Linux by Kinvolk 3975.2.1 (Oklo)
Fedora OS    Fedora Linux 41 (Cloud Edition Prerelease) < Fedora Linux 41 (Cloud Edition) < Fedora Linux 42 (Cloud Edition Prerelease)
FCOS         Fedora CoreOS 39.20240210.3.0 < Fedora Linux 39.20240407.3.0 (CoreOS) < Fedora CoreOS 40.20240416.3.1
AKS image    AKSUbuntu-2204gen2containerd-202402.26.0 < AKSUbuntu-2204gen2containerd-202405.20.0
k3OS         k3OS v0.21.5-k3s2r1 < k3OS v0.22.2-k3s2r0
a package    6.8.0-40.40~22.04.3 < 6.8.0-40.40 < 1:1.0 < 5:20.10.7~3-0~ubuntu-focal < 5:24.0.7-1~ubuntu.22.04~jammy
OpenSSL      1.1.1v < 1.1.1w < 1.1.1.1
zeros        6.12 = 6.12.0 = v6.12.0.0 < 6.12.0.1
long numbers 1.9007199254740992 < 1.9007199254740993
`;

const ladders = LADDERS.trim()
  .split('\n')
  .map((line) => [line.slice(0, 12).trim(), line.slice(13)] as const);
const real = ladders.flatMap(([, ladder]) => ladder.split(/ [<=] /));

const compare = (a: string, b: string): number =>
  Math.sign(compareVersions(versionIn(a) ?? [], versionIn(b) ?? []));

describe('versions', () => {
  it.each(ladders)('of %s: %s', (_, ladder) => {
    const rungs = ladder.split(' < ').map((rung) => rung.split(' = '));
    const flat = rungs.flatMap((rung, level) => rung.map((version) => ({ version, level })));
    const wrong = flat.flatMap((a) =>
      flat
        .filter((b) => compare(a.version, b.version) !== Math.sign(a.level - b.level))
        .map((b) => `${a.version} and ${b.version}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are compared on more than sixty real values', () => {
    expect(new Set(real).size).toBeGreaterThan(60);
  });

  it.each([
    '',
    'amd64',
    'arm64',
    'linux',
    'Container-Optimized OS from Google',
    'CBL-Mariner/Linux',
    'openSUSE MicroOS',
    'Debian GNU/Linux trixie/sid',
    'containerd://Unknown',
    'k3s',
    'ami-0abcdef123',
    'x86_64',
    'sha256-1a2b',
    '0x2b000590',
  ])('are not found in "%s"', (text) => {
    expect(versionIn(text)).toBeUndefined();
  });

  it.each([
    ['containerd://1.7.13', '1.7.13'],
    ['rhel9.4', '9.4'],
    ['kwok-v0.7.0', '0.7.0'],
    ['k8s1.30', '1.30'],
    ['k8s_1.29', '1.29'],
    ['AKSUbuntu-2204gen2containerd-202402.26.0', '202402.26.0'],
    ['V1.30.4-RC.1', '1.30.4-rc.1'],
    ['Bottlerocket (aws-k8s-1.30)', '1.30'],
  ])('are found in "%s"', (text, version) => {
    expect(versionIn(text)).toEqual(versionIn(version));
  });

  const anyVersion = fc.oneof(
    fc.constantFrom(...real),
    fc
      .array(
        fc.constantFrom(
          '0',
          '1',
          '2',
          '10',
          '00',
          '.',
          '-',
          '+',
          '~',
          'a',
          'k3s',
          'rc',
          'pre',
          'preempt',
          'ec',
          'nightly',
          '-amd64',
          ' (',
        ),
        {
          maxLength: 8,
        },
      )
      .map((parts) => `1.${parts.join('')}`),
  );

  it('have a total order', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
        expect(compare(a, a)).toBe(0);
        expect(compare(a, b) + compare(b, a)).toBe(0);
        const [low, middle, high] = [a, b, c].toSorted(compare);
        expect(compare(low ?? '', high ?? '')).toBe(
          Math.min(compare(low ?? '', middle ?? ''), compare(middle ?? '', high ?? '')),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
