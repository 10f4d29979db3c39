-- A row a company that the UK register has or had, as last known: one that left the register has _vanished_date.
SELECT
    companies.company_number,
    companies.company_name,
    companies.company_status,
    companies.incorporation_date,
    companies.postcode,
    companies.post_town,
    companies._vanished_date AS left_date,
    companies.previous_name_1,
    companies.previous_name_1_date,
    companies.previous_name_2,
    companies.previous_name_2_date,
    companies.previous_name_3,
    companies.previous_name_3_date,
    companies.previous_name_4,
    companies.previous_name_4_date,
    companies.previous_name_5,
    companies.previous_name_5_date,
    companies.previous_name_6,
    companies.previous_name_6_date,
    companies.previous_name_7,
    companies.previous_name_7_date,
    companies.previous_name_8,
    companies.previous_name_8_date,
    companies.previous_name_9,
    companies.previous_name_9_date,
    companies.previous_name_10,
    companies.previous_name_10_date
FROM companies_house.companies_history AS companies
WHERE
    companies._vanished_date IS NULL
    OR NOT EXISTS (
        SELECT 1 FROM companies_house.companies_history AS later
        WHERE later.company_number = companies.company_number AND later._changed_date > companies._changed_date
    )
