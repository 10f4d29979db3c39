"""From the British National Grid to longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# EPSG:27700 undone, then EPSG:1314 (OSGB36 to WGS 84, seven parameters). Written out, and not asked for by the
# systems' codes: the library would take the grid of corrections where a machine happens to have it, and two
# machines would give two answers. EPSG says 2 m of it.
_PIPELINE = (
    "+proj=pipeline"
    " +step +inv +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy"
    " +step +proj=push +v_3"
    " +step +proj=cart +ellps=airy"
    " +step +proj=helmert +x=446.448 +y=-125.157 +z=542.06 +rx=0.15 +ry=0.247 +rz=0.842 +s=-20.489"
    " +convention=position_vector"
    " +step +inv +proj=cart +ellps=WGS84"
    " +step +proj=pop +v_3"
    " +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


class Grid:
    """The transformation, set up once for many points."""

    def __init__(self) -> None:
        from pyproj import Transformer  # takes a while to import

        self._transformer: Any = Transformer.from_pipeline(_PIPELINE)

    def to_wgs84(self, easting_m: np.ndarray, northing_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes in degrees of points in metres; NaN where a coordinate is NaN."""
        import numpy as np

        longitude, latitude = self._transformer.transform(easting_m, northing_m)
        is_good = np.isfinite(longitude) & np.isfinite(latitude)
        return np.where(is_good, longitude, np.nan), np.where(is_good, latitude, np.nan)
