-- A row an organisation on the campus, its floor area as stated and in square metres.
SELECT
    tenants.organisation,
    tenants.company_number,
    tenants.activity_code,
    tenants.status_code,
    tenants.status_year,
    tenants.opened_year,
    tenants.floor_area,
    tenants.qualifier_code,
    tenants.unit_code,
    round(tenants.floor_area * units.m2_each, 1) AS floor_area_m2,
    tenants.confidence_code,
    tenants.source_url,
    tenants.source_note,
    tenants._held_since_date AS held_since_date,
    tenants._held_columns AS held_columns
FROM here_east.tenants AS tenants
LEFT JOIN core.area_units AS units ON tenants.unit_code = units.unit_code
