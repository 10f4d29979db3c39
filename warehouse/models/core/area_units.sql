-- A row a unit of area: how many square metres one of it is. A square foot is 0.3048 m by 0.3048 m, exactly.
SELECT
    units.unit_code,
    units.m2_each
FROM (
    VALUES
    ('m2', 1.0),
    ('floor_m2', 1.0),
    ('sqft', 0.09290304),
    ('ha', 10000.0)
) AS units (unit_code, m2_each)
