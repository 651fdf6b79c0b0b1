#!/usr/bin/env python3
"""Reference values of tests/contracts/geometries.rs, from itk-rtk 2.7 (pip install itk-rtk): two ellipsoids projected
from three poses with offsets, tilts and rotated detectors, and RTK's XML file of these poses
(tests/data/geometry/rtk.xml).

    python golden-geometry.py OUT.xml            writes the XML, prints the values
    python golden-geometry.py --read FILE.xml    reads a geometry.rtk.xml of a run with RTK's own reader (which compares
                                                 the parameters with the matrices) and prints the first matrix

RTK's axes are (x, z, -y) of LPS."""
import sys
import itk, numpy as np
from itk import RTK as rtk

if sys.argv[1] == "--read":
    reader = rtk.ThreeDCircularProjectionGeometryXMLFileReader.New()
    reader.SetFilename(sys.argv[2])
    reader.GenerateOutputInformation()
    geometry = reader.GetOutputObject()
    print(len(geometry.GetGantryAngles()), "views")
    print(itk.array_from_matrix(geometry.GetMatrix(0)))
    sys.exit()

# asymmetric ellipsoid: small, off centre. RTK coords = (x,z,-y) of LPS
g=rtk.ThreeDCircularProjectionGeometry.New()
# SID SDD gantry projX projY oop ip sx sy
g.AddProjection(500.,800.,37.,10.,-6.,0.,0.,0.,0.)
g.AddProjection(500.,800.,137.,-12.,4.,8.,-5.,3.,-2.)
g.AddProjection(500.,800.,290.,0.,0.,-6.,12.,-4.,5.)
w=rtk.ThreeDCircularProjectionGeometryXMLFileWriter.New(); w.SetObject(g); w.SetFilename(sys.argv[1]); w.WriteFile()
T=itk.Image[itk.F,3]
def proj(center, axes):
    s=rtk.ConstantImageSource[T].New(); nx,ny=10,7; p=12.
    s.SetOrigin([-(nx-1)/2*p,-(ny-1)/2*p,0]); s.SetSpacing([p,p,1]); s.SetSize([nx,ny,g.GetGantryAngles().__len__()]); s.SetConstant(0.)
    f=rtk.RayEllipsoidIntersectionImageFilter[T,T].New()
    f.SetInput(s.GetOutput()); f.SetGeometry(g); f.SetDensity(1.); f.SetAxis(axes); f.SetCenter(center); f.SetAngle(0.)
    f.Update(); return itk.array_from_image(f.GetOutput()).copy()
# LPS center (20,-12,9), half axes LPS (18,9,13) -> RTK (20,9,12), (18,13,9)
a=proj([20.,9.,12.],[18.,13.,9.])
b=proj([-15.,-14.,-22.],[8.,6.,11.])  # LPS centre (-15,22,-14), axes (8,11,6)
t=a+2*b
np.set_printoptions(precision=2,suppress=True,linewidth=160)
print(t.shape)
for v in t:
    print('    ['); 
    for r in v: print('        ['+', '.join(f'{x:.2f}' for x in r)+'],')
    print('    ],')
