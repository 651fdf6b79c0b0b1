"""Writes phantoms/forbild-{head,head-2d,thorax}.yaml from the published tables, with lengths in cm as published.

Needs only Python. Run it from the root of the repository: python3 tools/forbild.py
"""

import math
from math import cos, pi, radians, sin, sqrt


def unit(v):
    n = sqrt(sum(x * x for x in v))
    return [x / n for x in v]


def crossed(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def euler(ax, az):
    """Euler angles [phi, theta, psi] of the rotation whose columns are ax, az x ax, az."""
    ax, az = unit(ax), unit(az)
    ay = crossed(az, ax)
    st = math.hypot(az[0], az[1])
    if st < 1e-12:
        assert az[2] > 0
        return [math.degrees(math.atan2(ax[1], ax[0])), 0.0, 0.0]
    return [math.degrees(v) for v in (math.atan2(az[0], -az[1]), math.atan2(st, az[2]), math.atan2(ax[2], ay[2]))]


def along(axis):
    """Euler angles of a body of revolution along an axis."""
    x = [1, 0, 0] if abs(unit(axis)[0]) < 0.9 else [0, 1, 0]
    return euler(crossed(crossed(axis, x), axis), axis)


def number(v):
    text = f"{v:.9f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def listed(values):
    return "[" + ", ".join(number(v) for v in values) + "]"


def entry(kind, density, cuts=(), bone=False, **keys):
    inner = ", ".join(f"{k}: {listed(v) if isinstance(v, (list, tuple)) else number(v)}" for k, v in keys.items() if v not in (None, [0, 0, 0]))
    lines = [f"  - {kind}: {{{inner}, density: {number(density)}}}"]
    if cuts:
        lines.append("    cut: [" + ", ".join(f"{{normal: {listed(n)}, offset: {number(d)}}}" for n, d in cuts) + "]")
    if bone:
        lines.append("    material: bone")
    return "\n".join(lines)


def above(normal, offset):
    """The FORBILD condition r(normal) > offset, as a cut."""
    return ([-x for x in unit(normal)], -offset)


def below(normal, offset):
    return (unit(normal), offset)


def head():
    a15, c15, s15 = radians(15), cos(radians(15)), sin(radians(15))
    e = lambda center, axes, density, rotation=None, **more: entry("ellipsoid", density, center=center, semi_axes=axes, rotation_deg=rotation, **more)
    shapes = [
        e([0, 0, 0], [9.6, 12, 12.5], 1.8, bone=True),
        e([0, 0, 0], [9.0, 11.4, 11.9], 1.05),
        e([0, -3.6, 0], [1.8, 3.6, 3.6], 1.045),
        e([0, 8.4, 0], [1.8, 3.0, 3.0], 0),
        e([-4.7, 4.3, 0.872], [2, 2, 2], 1.06),
        e([4.7, 4.3, 0.872], [2, 2, 2], 1.06),
        e([-1.08, -9, 0], [0.4] * 3, 1.0525),
        e([1.08, -9, 0], [0.4] * 3, 1.0475),
        entry("cylinder", 1.8, bone=True, center=[0, 3.6, 0], semi_axes=[1.2, 4.0], half_length=0.25 * cos(a15),
              rotation_deg=euler([1, 0, 0], [0, -cos(radians(30)), 0.5])),
        entry("cylinder", 1.8, bone=True, center=[0, 9.6, 0], semi_axes=[0.525561, 2.0], half_length=0.2,
              rotation_deg=euler([0, cos(radians(30)), 0.5], [1, 0, 0])),
        e([-1.9, 5.4, 0], [1.206483 * c15, 0.420276 * c15, 3.0], 1.8,
          euler([c15 * cos(radians(120)), sin(radians(120)), -s15 * cos(radians(120))], [s15, 0, c15]), bone=True),
        e([1.9, 5.4, 0], [1.2 * c15, 0.42 * c15, 3.0], 1.8,
          euler([c15 * cos(radians(60)), sin(radians(60)), s15 * cos(radians(60))], [-s15, 0, c15]), bone=True),
        entry("cylinder", 1.8, bone=True, center=[-4.3, 6.8, -1], semi_axes=[1.8, 0.24], half_length=2.0, rotation_deg=150),
        entry("cylinder", 1.8, bone=True, center=[4.3, 6.8, -1], semi_axes=[1.8, 0.24], half_length=2.0, rotation_deg=30),
        e([6.393945, -6.393945, 0], [1.2, 0.42, 1.2], 1.055, [58.1, 0, 0]),
        entry("cone", 1.8, bone=True, center=[0, -11.15, -0.2], radii=[0.5, 0.2], half_length=0.75, rotation_deg=along([0, 1, 0])),
        entry("cone", 1.8, bone=True, center=[0, -11.15, 0.2], radii=[0.5, 0.2], half_length=0.75, rotation_deg=along([0, 1, 0])),
        e([9.1, 0, 0], [4.2, 1.8, 1.8], 1.8, cuts=[([1, 0, 0], 9.1)], bone=True),
    ]
    return shapes


def head_2d():
    y16b, a16b, b16b = -14.294530834372887, 0.443194085308632, 3.892760834372886
    rows = [  # x, y, a, b, degrees, density, cuts as (distance, degrees) from the ellipse's centre
        (-4.7, 4.3, 1.79989, 1.79989, 0, 0.010), (4.7, 4.3, 1.79989, 1.79989, 0, 0.010), (-1.08, -9, 0.4, 0.4, 0, 0.0025),
        (1.08, -9, 0.4, 0.4, 0, -0.0025), (0, 0, 9.6, 12, 0, 1.8), (0, 8.4, 1.8, 3.0, 0, -1.05),
        (1.9, 5.4, 0.41633, 1.17425, -31.07698, 0.75), (-1.9, 5.4, 0.41633, 1.17425, 31.07698, 0.75),
        (-4.3, 6.8, 1.8, 0.24, -30, 0.75), (4.3, 6.8, 1.8, 0.24, 30, 0.75), (0, -3.6, 1.8, 3.6, 0, -0.005),
        (6.39395, -6.39395, 1.2, 0.42, 58.1, 0.005),
        (0, 3.6, 2, 2, 0, 0.75, (1.2, 0), (1.2, 180), (0.27884, 90), (0.27884, 270)),
        (0, 9.6, 1.8, 3.0, 0, 1.8, (0.60687, 90), (0.60687, 270), (0.2, 0), (0.2, 180)),
        (0, 0, 9.0, 11.4, 0, 0.75, (-2.605, 15), (-2.605, 165), (-10.71177, 90)),
        (0, y16b, a16b, b16b, 0, 0.75, (y16b + 10.71177, 270)),
        (0, 0, 9.0, 11.4, 0, -0.75, (8.88740, 0)),
        (9.1, 0, 4.2, 1.8, 0, 0.75, (-0.21260, 0)),
    ]
    sha, starts = 0.2 * sqrt(3), {0: (8.8, 9), 1: (8.6, 8), 2: (8.8, 8), 3: (8.6, 6)}
    for j in (0, 1, -1, 2, -2, 3, -3):
        first, count = starts[abs(j)]
        rows += [(first - 0.4 * k, j * sha, 0.15, 0.15, 0, -1.8) for k in range(count)]
    shapes = []
    for x, y, a, b, phi, density, *cuts in rows:
        planes = []
        for distance, psi in cuts:
            normal = [round(cos(radians(psi)), 15), round(sin(radians(psi)), 15), 0]
            planes.append((normal, distance + normal[0] * x + normal[1] * y))
        bone = abs(density) in (0.75, 1.8)
        shapes.append(entry("ellipse", density, cuts=planes, bone=bone, center=[x, y], semi_axes=[a, b], rotation_deg=phi or None))
    return shapes


def vertebra(z, y=-5.0, height=2.0):
    w, h = sqrt(1.3725), height / 2
    box = lambda x, yc, dx, dy, cuts=(): entry("box", 1.92, cuts=cuts, bone=True, center=[x, yc, z], half_lengths=[dx / 2, dy / 2, h])
    disc = lambda yc, r, density, cuts=(), bone=True: entry(
        "cylinder", density, cuts=cuts, bone=bone, center=[0, yc, z], semi_axes=[r, r], half_length=h)
    n1, n2 = 4 - w, 0.95
    lower = ((0.95 * 4 + (y - 2.45) * n1) / math.hypot(n1, n2), (2 * 4 + 32 * (y - 2.45)) / sqrt(1028))
    spine = (0.8 + 4 * (y - 2.45)) / sqrt(20)
    return [
        disc(y, 1.75, 1.92, [above([0, 1, 0], y - 1.35)]),
        box(0, y - 1.4, 2 * w, 0.2),
        disc(y, 1.5, 1.18, bone=False),
        box(-2, y - 1.975, 4, 0.95, [below([-n2, n1, 0], lower[0]), above([-2, 32, 0], lower[1])]),
        box(2, y - 1.975, 4, 0.95, [below([n2, n1, 0], lower[0]), above([2, 32, 0], lower[1])]),
        box(0, y - 2.35, 1.6, 0.3, [above([-2, 4, 0], (-0.8 + 4 * (y - 2.45)) / sqrt(20)), below([-2, -4, 0], (0.8 - 4 * (y - 2.45)) / sqrt(20))]),
        disc(y - 4.05, 0.4, 1.92, [below([0, 1, 0], y - 4.05)]),
        box(0, y - 3.25, 0.8, 1.6),
    ]


def ribs(shift):
    """Nine cylinders along the tilted half ellipse (a cos q, b sin q, c sin q), joined in planes that halve the angles."""
    a, b, c = 18.5, 9.0, -5.5
    step = pi / 10
    tangent = lambda q: unit([a * sin(q), -b * cos(q), -c * cos(q)])
    at = lambda q, s=1.0: [a * cos(q) * s, b * sin(q) * s, c * sin(q) * s + shift]
    shapes = []
    for radius, density in ((0.5, 1.41), (0.4, 0.98)):
        for side in (1, -1):
            for k in range(9):
                q = 2 * pi / 5 - k * step
                planes = []
                for end, keep in ((-step, below), (step, above)):
                    normal = [x + y for x, y in zip(tangent(q), tangent(q + end))]
                    corner = at(q + end / 2, 1 / cos(step / 2))
                    normal, corner = [normal[0] * side, *normal[1:]], [corner[0] * side, *corner[1:]]
                    planes.append(keep(normal, sum(x * y for x, y in zip(unit(normal), corner))))
                t, p = tangent(q), at(q)
                t, p = [t[0] * side, *t[1:]], [p[0] * side, *p[1:]]
                shapes.append(entry("cylinder", density, cuts=planes, bone=density > 1.2, center=p, semi_axes=[radius] * 2, half_length=5.0,
                                    rotation_deg=along(t)))
    return shapes


def thorax():
    water, s58, s5 = 1.0, sqrt(58), sqrt(5)
    rod = lambda x, y, z, r, l, density, cuts=(), axis=(0, 0, 1), bone=False: entry(
        "cylinder", density, cuts=cuts, bone=bone, center=[x, y, z], semi_axes=[r, r], half_length=l / 2,
        rotation_deg=None if list(axis) == [0, 0, 1] else along(list(axis)))
    ball = lambda x, y, z, r, density, bone=False: entry("ellipsoid", density, bone=bone, center=[x, y, z], semi_axes=[r] * 3)
    shapes = [
        rod(-20, 0, 17.5, 5, 15, water), rod(20, 0, 17.5, 5, 15, water),
        entry("cylinder", water, center=[0, 0, 0], semi_axes=[20, 10], half_length=25),
        entry("ellipsoid", 0.26, center=[-10.5, 0, 0], semi_axes=[7.5, 5.5, 15]),
        entry("ellipsoid", 0.26, center=[10.5, 0, 0], semi_axes=[7.5, 5.5, 15]),
        entry("box", 1.25, center=[0, 9, 2.5], half_lengths=[1.25, 0.4, 12.5]),
        entry("box", 0.98, center=[0, 9, 2.5], half_lengths=[1, 0.25, 12.5]),
        ball(0, 4, 0, 3.5, 1.05),
        rod(-2.5, -2.5, 0, 1, 30, 1.05, [below([3, 7, s58], 2.982109)]),
        rod(0.5, 4.5, 6, 1, 6, 1.05, [above([1, 2, -s5], -2.2393277)]),
        rod(-1, 1, 7.5, 1, 22, 1.05, [above([3, 7, s58], 2.982109), below([1, 2, -s5], -2.2393277)], axis=(3, 7, 0)),
    ]
    for z in (15, 12, 9, 6, 3, 0, -3, -6):
        shapes += vertebra(z)
    for z in (0, 3, -3, -6, 6):
        shapes += ribs(z)
    for r, l, density in ((0.5, 17, 1.46), (0.4, 16.5, 0.98)):
        for side in (-1, 1):
            shapes.append(rod(10 * side, 5.5, 16, r, l, density, axis=(20, -9 * side, 2 * side), bone=density > 1.2))
    for axes, density in (([4.5, 0.5, 6], 1.46), ([4, 0.4, 5.5], 0.98)):
        for side in (-1, 1):
            shapes.append(entry("ellipsoid", density, cuts=[([0, 0, 1], 15)], bone=density > 1.2, center=[12 * side, -5, 15],
                                semi_axes=axes, rotation_deg=math.degrees(math.atan2(side, 2))))
    for x in (22, 16.5):
        for r, density in ((2.5, 1.46), (2, 0.98)):
            shapes += [ball(side * x, 0, 15, r, density, bone=density > 1.2) for side in (-1, 1)]
    return shapes


FRAME = """  Published with +y towards the face, which is not this project's patient axis (+y is the back): as in other tools that use this
  table, the numbers are kept and the object is the mirror image of a patient. Bone is marked as such for spectra with several
  energies; the original treats all matter as water of another density, as this file does at one energy."""

HEADS = {
    "forbild-head": ("""  FORBILD head, 3-D: G. Lauritsch and H. Bruder, "Head phantom", FORBILD phantom group, Institute of Medical Physics,
  University of Erlangen-Nuernberg. Every number was read in two copies of the original definition: HeadPhantom.pha of
  github.com/RTKConsortium/Forbild and the tables of the reconstruction framework elsa. Not in elsa's copy and so from one source:
  the two cones (internal occipital protuberance), of which the wide end is taken to be the outer one. Left out: the air cells of
  the right inner ear and the line pattern of the left one.
""" + FRAME, 3, 256, "replace", head),
    "forbild-head-2d": ("""  FORBILD head, central slice with the right ear, without the line pattern of the left one: Z. Yu, F. Noo, F. Dennerlein,
  A. Wunderlich, G. Lauritsch and J. Hornegger, "Simulation tools for two-dimensional experiments in x-ray computed tomography
  using the FORBILD head phantom", Phys. Med. Biol. 57, N237, 2012, after the 3-D phantom of G. Lauritsch and H. Bruder. The numbers
  are those of the copy of its table in the library ODL (odl/phantom/transmission.py); ellipses 1 to 13 agree with the 3-D definition
  cut at z = 0, the clipped ones (14 to 16, ear) were read in this one copy only.
""" + FRAME, 2, 256, "add", head_2d),
    "forbild-thorax": ("""  FORBILD thorax, 3-D: K. Sourbelle, "Thorax phantom", FORBILD phantom group, Institute of Medical Physics, University of
  Erlangen-Nuernberg (described at www.dkfz.de/en/roentgenbildgebung/ct/CT_Phantoms/Thorax_Phantom). Read in two copies of the
  original definition: ThoraxPhantom.pha and its parts at github.com/RTKConsortium/Forbild, and the tables of the framework elsa,
  which agree but for the clipping planes, that elsa leaves out: those of aorta and vertebrae are from one source; those of the ribs are
  computed as the page describes them and agree with the copy's numbers to all six digits.
""" + FRAME, 3, 500, "replace", thorax),
}

for name, (source, dimension, extent, combine, shapes) in HEADS.items():
    with open(f"phantoms/{name}.yaml", "w", encoding="utf-8") as file:
        file.write(f"# Written by tools/forbild.py. Lengths in cm.\nname: {name}\nsource: >-\n{source}\n")
        file.write(f"extent_mm: {extent}\ndimension: {dimension}\nunit_mm: 10\ncombine: {combine}\nshapes:\n")
        file.write("\n".join(shapes()) + "\n")
