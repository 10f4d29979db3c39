"""A synthetic company register in the true dialect of the Companies House bulk file, as large as wanted.

    python -m dev.synthetic_register --rows 500000 --date 2026-01-01 --seed 1 [--parts 7] [--zip] -o FOLDER

Names, addresses and people are made up of word lists; postcodes have the form of real ones. The same seed, rows
and date give the same bytes on every machine: all that looks random comes from a hash of 32-bit integers
(``mixed`` below), never from floats, the clock or the order of threads.

Months belong together. A company is an index: of ``rows`` companies those with the smallest index vanish from one
month to the next (0.4 % of them) and as many new ones appear, so every month has just ``rows`` rows. What changes
in a company's life (name, address, sector, status) is a function of (seed, index, month).

The dialect, as seen in a bulk zip of 2020: header unquoted, some names with a leading space; every field quoted,
``""`` for a quote; CRLF; UTF-8; dd/mm/yyyy; an empty string for what is missing.
"""

# ruff: noqa: E501, SIM905 - word lists and a long SELECT, easier to read as they stand
from __future__ import annotations

import argparse
import random
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import BinaryIO

import duckdb

BASE = date(2015, 1, 1)
"""The first month of this world."""

HEADER = (
    "CompanyName, CompanyNumber,RegAddress.CareOf,RegAddress.POBox,RegAddress.AddressLine1,"
    " RegAddress.AddressLine2,RegAddress.PostTown,RegAddress.County,RegAddress.Country,RegAddress.PostCode,"
    "CompanyCategory,CompanyStatus,CountryOfOrigin,DissolutionDate,IncorporationDate,Accounts.AccountRefDay,"
    "Accounts.AccountRefMonth,Accounts.NextDueDate,Accounts.LastMadeUpDate,Accounts.AccountCategory,"
    "Returns.NextDueDate,Returns.LastMadeUpDate,Mortgages.NumMortCharges,Mortgages.NumMortOutstanding,"
    "Mortgages.NumMortPartSatisfied,Mortgages.NumMortSatisfied,SICCode.SicText_1,SICCode.SicText_2,"
    "SICCode.SicText_3,SICCode.SicText_4,LimitedPartnerships.NumGenPartners,LimitedPartnerships.NumLimPartners,URI,"
    "PreviousName_1.CONDATE, PreviousName_1.CompanyName, PreviousName_2.CONDATE, PreviousName_2.CompanyName,"
    "PreviousName_3.CONDATE, PreviousName_3.CompanyName,PreviousName_4.CONDATE, PreviousName_4.CompanyName,"
    "PreviousName_5.CONDATE, PreviousName_5.CompanyName,PreviousName_6.CONDATE, PreviousName_6.CompanyName,"
    "PreviousName_7.CONDATE, PreviousName_7.CompanyName,PreviousName_8.CONDATE, PreviousName_8.CompanyName,"
    "PreviousName_9.CONDATE, PreviousName_9.CompanyName,PreviousName_10.CONDATE, PreviousName_10.CompanyName,"
    "ConfStmtNextDueDate, ConfStmtLastMadeUpDate"
)

# SIC 2007 as the register prints it, the frequent and the technical ones first (they are drawn more often).
_SIC = """
82990 - Other business support service activities n.e.c.
70229 - Management consultancy activities other than financial management
62020 - Information technology consultancy activities
62012 - Business and domestic software development
68209 - Other letting and operating of own or leased real estate
96090 - Other service activities n.e.c.
62090 - Other information technology service activities
99999 - Dormant Company
63110 - Data processing, hosting and related activities
47910 - Retail sale via mail order houses or via Internet
74100 - specialised design activities
58290 - Other software publishing
64999 - Financial intermediation not elsewhere classified
68100 - Buying and selling of own real estate
98000 - Residents property management
41100 - Development of building projects
63120 - Web portals
73110 - Advertising agencies
66190 - Activities auxiliary to financial intermediation n.e.c.
72190 - Other research and experimental development on natural sciences and engineering
62011 - Ready-made interactive leisure and entertainment software development
74990 - Non-trading company
49410 - Freight transport by road
61900 - Other telecommunications activities
26200 - Manufacture of computers and peripheral equipment
63990 - Other information service activities n.e.c.
72110 - Research and experimental development on biotechnology
58210 - Publishing of computer games
59111 - Motion picture production activities
59112 - Video production activities
59120 - Motion picture, video and television programme post-production activities
60100 - Radio broadcasting
61100 - Wired telecommunications activities
61200 - Wireless telecommunications activities
64191 - Banks
64205 - Activities of financial services holding companies
64209 - Activities of other holding companies n.e.c.
66220 - Activities of insurance agents and brokers
66300 - Fund management activities
69102 - Solicitors
69201 - Accounting and auditing activities
70221 - Financial management
71121 - Engineering design activities for industrial process and production
71122 - Engineering related scientific and technical consulting activities
71129 - Other engineering activities
72200 - Research and experimental development on social sciences and humanities
78200 - Temporary employment agency activities
80200 - Security systems service activities
81210 - General cleaning of buildings
85590 - Other education n.e.c.
85600 - Educational support services
86900 - Other human health activities
90030 - Artistic creation
93110 - Operation of sports facilities
94990 - Activities of other membership organizations n.e.c.
95110 - Repair of computers and peripheral equipment
96020 - Hairdressing and other beauty treatment
32990 - Other manufacturing n.e.c.
35110 - Production of electricity
38110 - Collection of non-hazardous waste
41201 - Construction of commercial buildings
41202 - Construction of domestic buildings
43999 - Other specialised construction activities n.e.c.
46510 - Wholesale of computers, computer peripheral equipment and software
55100 - Hotels and similar accommodation
56101 - Licensed restaurants
56102 - Unlicensed restaurants and cafes
7222 - Other software consultancy and supply
7487 - Other business activities
""".strip().splitlines()

_FIRST = """AMBER ANCHOR ARBOUR ARGENT ASPEN ATLAS BEACON BIRCH BLUEBELL BRAMBLE BRIDGE CANAL CEDAR CINDER CLOVER COBALT
COPPER CORAL CRESCENT CURLEW DELTA DRIFT ECHO ELDER EMBER FABLE FALCON FENLAND FERN FLINT FOUNDRY GARNET GRANITE HALCYON
HARBOUR HAZEL HERON HOLLOW INDIGO IRONGATE JUNIPER KESTREL KEYSTONE LANTERN LARCH LINDEN LOOM MAGPIE MARLOWE MEADOW
MERIDIAN MOSAIC NETTLE NIMBUS NORTHGATE OAKEN ONYX ORCHARD OSPREY PEBBLE PIVOT PLOVER PRISM QUARRY QUILL RAVEN REED
RIDGE ROWAN SABLE SALT SIGNAL SILVER SLATE SPARROW SPINDLE STERLING SUMMIT TALLY TEAL THISTLE TIMBER TIDE UMBER VALE
VECTOR VELLUM WATTLE WHARF WILLOW WREN YARROW ZEPHYR ZINC""".split()
_SECOND = """ADVISORY ANALYTICS APPAREL ARCHITECTS BAKERY BIOSCIENCES BUILDERS CAPITAL CARE CATERING CONSULTING
CONSTRUCTION CREATIVE DATA DESIGN DEVELOPMENTS DIGITAL DYNAMICS ELECTRICAL ENERGY ENGINEERING ESTATES EVENTS EXPORTS
FABRICATIONS FILMS FINANCE FITNESS FOODS FREIGHT GAMES GARDENS HEALTH HOLDINGS HOMES IMAGING INSTRUMENTS INTERIORS
INVESTMENTS JOINERY KITCHENS LABS LANDSCAPES LEARNING LETTINGS LOGISTICS MANAGEMENT MARINE MEDIA MOBILITY MOTORS MUSIC
NETWORKS NUTRITION OPTICS PARTNERS PAYMENTS PHOTONICS PLASTICS PLUMBING PRESS PROPERTIES PUBLISHING RECRUITMENT
RESEARCH RETAIL ROBOTICS ROOFING SCAFFOLDING SECURITY SENSORS SOFTWARE SOLUTIONS SPORTS STUDIOS SUPPLIES SYSTEMS
TECHNOLOGIES TELECOM TEXTILES TRADING TRAINING TRANSPORT TRAVEL VENTURES VISION WELLBEING WORKS""".split()
_SURNAMES = """AMBERLEY BRACKENFORD COTTERHOLME DUNMARLE EASTERWICK FARNDOWN GREAVELOCK HOLTERSBY INGLEMARSH KESWORTHY
LINTONFELL MERROWDEN NETHERCLAY OAKENSHOTT PENDLEBROOK QUARRINGDALE ROSSENDYKE SILVERTHWAITE TARNHOLLOW WYCHBOLD""".split()
_STREETS = """ABACUS ALDERSEND BAKEHOUSE BELLFOUNDRY CANDLEWICK CARTWRIGHT CLOCKHOUSE COOPERAGE DYEWORKS FERRYMAN
GASHOLDER GLASSWORKS GRANARY HAWTHORN IRONMONGER KILN LAMPLIGHTER LOCKSMITH MALTINGS MARINER MILLSTONE ORCHARD
PAPERMAKER POTTERY PRINTWORKS QUAYSIDE ROPEWALK SADDLER SILKMILL TANNERY TOLLGATE VIADUCT WEAVER WINDMILL""".split()

# District, town, county; a district stands as often as its share asks for (the innovation districts often).
_PLACES = """
N1 LONDON; N1 LONDON; N1 LONDON; EC1V LONDON; EC1V LONDON; EC2A LONDON; EC2A LONDON; E1 LONDON; E1 LONDON; E2 LONDON
E8 LONDON; E8 LONDON; E15 LONDON; E15 LONDON; E20 LONDON; WC2H LONDON; WC2H LONDON; E14 LONDON; EC1A LONDON; W1W LONDON
SE1 LONDON; NW10 LONDON; SW19 LONDON; N3 LONDON; E17 LONDON; N16 LONDON; W1T LONDON; CR0 CROYDON SURREY
BN1 BRIGHTON EAST_SUSSEX; HA1 HARROW MIDDLESEX; B60 BROMSGROVE WORCESTERSHIRE; GU14 FARNBOROUGH HAMPSHIRE
EH3 EDINBURGH; G2 GLASGOW; AB10 ABERDEEN; DD1 DUNDEE; CF10 CARDIFF; SA1 SWANSEA; BT1 BELFAST; BT48 LONDONDERRY
M1 MANCHESTER; M2 MANCHESTER; L1 LIVERPOOL MERSEYSIDE; LS1 LEEDS WEST_YORKSHIRE; S1 SHEFFIELD SOUTH_YORKSHIRE
NE1 NEWCASTLE_UPON_TYNE; B1 BIRMINGHAM WEST_MIDLANDS; CV1 COVENTRY; NG1 NOTTINGHAM; LE1 LEICESTER; BS1 BRISTOL AVON
BA1 BATH; EX1 EXETER DEVON; PL1 PLYMOUTH DEVON; TR1 TRURO CORNWALL; SO15 SOUTHAMPTON HAMPSHIRE; PO1 PORTSMOUTH
OX1 OXFORD OXFORDSHIRE; CB1 CAMBRIDGE CAMBRIDGESHIRE; NR1 NORWICH NORFOLK; IP1 IPSWICH SUFFOLK; CM1 CHELMSFORD ESSEX
SS1 SOUTHEND-ON-SEA ESSEX; ME1 ROCHESTER KENT; CT1 CANTERBURY KENT; RG1 READING BERKSHIRE; SL1 SLOUGH BERKSHIRE
MK9 MILTON_KEYNES; NN1 NORTHAMPTON; PE1 PETERBOROUGH; LN1 LINCOLN; YO1 YORK; HU1 HULL; DL1 DARLINGTON COUNTY_DURHAM
SR1 SUNDERLAND; CA1 CARLISLE CUMBRIA; PR1 PRESTON LANCASHIRE; BL1 BOLTON; WA1 WARRINGTON CHESHIRE; CH1 CHESTER
ST1 STOKE-ON-TRENT; WR1 WORCESTER; GL1 GLOUCESTER; HR1 HEREFORD; DT1 DORCHESTER DORSET; BH1 BOURNEMOUTH DORSET
""".strip().replace("\n", ";")

_FOREIGN = """VIRGIN ISLANDS, BRITISH|WEST GERMANY|CHANNEL ISLANDS|UNITED STATES|CAYMAN ISLANDS|GUERNSEY|JERSEY
IRELAND|CYPRUS|JAPAN|FINLAND|ESTONIA|INDIA|AUSTRALIA""".replace("\n", "|").split("|")
_BAD_POSTCODES = ["KY1-1103", "94107", "CRO 1JB", "M2   2EE", "E1   6PW", "EC1V", "N1 7G", "00100"]
_ODD_NAMES = [
    "! {w} LTD", '"{w}" HOUSE LIMITED', "{w}'S (UK) LTD", "@{w} MEDIA LIMITED", "=SUM({w}) LTD", "+{w} LIMITED",
    "-{w}- LTD", "<B>{w}</B> LIMITED", "{w} & <SCRIPT>ALERT(1)</SCRIPT> LTD", "{w}, {w} & SONS LIMITED",
    '{w} "THE" COMPANY, LIMITED', "CAFÉ {w} LIMITED", "{w} Ŵ CYF", "1 {w} STREET (FREEHOLD) LIMITED",
    "'{w} LTD", "{w}; {w} LLP", "{w}\\{w} LIMITED", "NULL {w} LTD", "{w} AIR LIMITED", "{w} KAISER LTD",
]  # fmt: skip
_SMART_NAMES = [
    "{w} AI LIMITED", "{w} AI LTD", "{w} ARTIFICIAL INTELLIGENCE LTD", "{w} MACHINE LEARNING LIMITED",
    "{w} FINTECH LIMITED", "{w}.AI LTD", "AI {w} LABS LTD", "{w} A.I. LIMITED",
]  # fmt: skip


def months_after_base(day: date) -> int:
    """How many months the month of ``day`` lies after the first month of this world."""
    return (day.year - BASE.year) * 12 + day.month - BASE.month


def file_name(day: date, part: int = 0, parts: int = 0) -> str:
    """The publisher's file name, without its ending."""
    if parts:
        return f"BasicCompanyData-{day.isoformat()}-part{part}_{parts}"
    return f"BasicCompanyDataAsOneFile-{day.isoformat()}"


def _list(words: list[str]) -> str:
    return "[" + ", ".join("'" + word.replace("'", "''") + "'" for word in words) + "]"


def _macros() -> list[str]:
    """The hash and the word lists as SQL macros.

    ``mixed`` is a multiply-xorshift hash of 32 bits (the constants are the widely used "lowbias32"): every
    product stays below 2^64, so that UBIGINT holds it without overflow on any machine.
    """
    places = [tuple(place.split()) for place in _PLACES.split(";") if place.strip()]
    return [
        "CREATE MACRO m1(x) AS xor(x, x >> 16) * 2146121005::UBIGINT & 4294967295::UBIGINT",
        "CREATE MACRO m2(x) AS xor(x, x >> 15) * 2221713035::UBIGINT & 4294967295::UBIGINT",
        "CREATE MACRO m3(x) AS xor(x, x >> 16)",
        "CREATE MACRO mixed(x) AS m3(m2(m1(x)))",
        "CREATE MACRO h(key, salt) AS mixed(((key + salt * 2654435769) & 4294967295)::UBIGINT)::BIGINT",
        "CREATE MACRO pick(words, n) AS list_extract(words, n % len(words) + 1)",
        "CREATE MACRO british(d) AS coalesce(strftime(d, '%d/%m/%Y'), '')",
        f"CREATE MACRO first_word(n) AS pick({_list(_FIRST)}, n)",
        f"CREATE MACRO second_word(n) AS pick({_list(_SECOND)}, n)",
        f"CREATE MACRO surname(n) AS pick({_list(_SURNAMES)}, n)",
        f"CREATE MACRO street(n) AS pick({_list(_STREETS)}, n)",
        # Squaring the drawn position makes the head of the list frequent and its tail rare.
        f"CREATE MACRO sic(n) AS list_extract({_list(_SIC)},"
        f" ((n % 1000) * ((n >> 10) % 1000) * {len(_SIC)} // 1000000) + 1)",
        f"CREATE MACRO foreign_country(n) AS pick({_list(_FOREIGN)}, n)",
        f"CREATE MACRO bad_postcode(n) AS pick({_list(_BAD_POSTCODES)}, n)",
        f"CREATE MACRO odd_name(n) AS pick({_list(_ODD_NAMES)}, n)",
        f"CREATE MACRO smart_name(n) AS pick({_list(_SMART_NAMES)}, n)",
        f"CREATE MACRO outward(n) AS pick({_list([place[0] for place in places])}, n)",
        f"CREATE MACRO town(n) AS pick({_list([place[1].replace('_', ' ') for place in places])}, n)",
        f"""CREATE MACRO county(n) AS pick({
            _list([place[2].replace("_", " ") if len(place) > 2 else "" for place in places])
        }, n)""",
        """CREATE MACRO inward(n) AS (n % 10)::VARCHAR
            || substr('ABDEFGHJLNPQRSTUWXYZ', ((n >> 4) % 20) + 1, 1)
            || substr('ABDEFGHJLNPQRSTUWXYZ', ((n >> 9) % 20) + 1, 1)""",
        # n draws the kind and the words; the number makes most names unique, as they are in the register.
        """CREATE MACRO company_name(n, words, ending) AS CASE
            WHEN n % 1000 < 20 THEN replace(odd_name(n >> 10), '{w}', first_word(words))
            WHEN n % 1000 < 50 THEN replace(smart_name(n >> 10), '{w}',
                first_word(words) || ' ' || first_word(words >> 12))
            ELSE first_word(words) || ' ' || first_word(words >> 8) || ' ' || second_word(words >> 16) || ending
            END""",
    ]


def _query(rows: int, day: date, seed: int) -> str:
    month = months_after_base(day)
    churn = max(1, rows * 4 // 1000)
    first = month * churn
    seed_key = (seed * 2_654_435_769 + 97) & 0xFFFFFFFF
    last_day = f"(DATE '{day.isoformat()}' - 1)"
    return f"""
    WITH company AS (
        SELECT i, h({seed_key} + i * 40503, 1) AS key,
            CASE WHEN i < {rows} THEN NULL ELSE (i - {rows}) // {churn} END AS born
        FROM range({first}, {first + rows}) AS t(i)
    ), drawn AS (
        SELECT i, born, key, h(key, 2) AS h2, h(key, 3) AS h3, h(key, 4) AS h4, h(key, 5) AS h5, h(key, 6) AS h6,
            -- How often the company has moved, changed its sector, its name and its standing until this month.
            ({month} + h(key, 7) % 60) // 60 AS moves, ({month} + h(key, 8) % 180) // 180 AS turns,
            ({month} + h(key, 9) % 400) // 400 AS renamings, ({month} + h(key, 10) % 24) // 24 AS standings
        FROM company
    ), aged AS (
        SELECT *, h(key + moves, 11) AS place, h(key + turns, 12) AS trade,
            h(key + standings, 13) AS standing,
            -- A month in which the last renaming happened; base month for those never renamed.
            400 * renamings - h(key, 9) % 400 AS renamed_in,
            CASE WHEN born IS NULL
                -- The product of two draws makes young companies frequent and old ones rare.
                THEN DATE '{BASE.isoformat()}' - 1 - ((h2 % 23740) * (h3 % 1000) // 1000)::INTEGER
                ELSE (DATE '{BASE.isoformat()}' + to_months(born::INTEGER))::DATE + (h2 % 28)::INTEGER
            END AS incorporated
        FROM drawn
    ), kinds AS (
        SELECT *,
            CASE WHEN i % 400 = 0 THEN 'IP' WHEN i % 20 = 0 THEN
                ['SC', 'SC', 'SC', 'SC', 'NI', 'NI', 'OC', 'OC', 'SL', 'LP', 'FC', 'CE', 'SO', 'CS', 'NL', 'RS',
                 'NF', 'IC', 'OE', 'R0'][h4 % 20 + 1] ELSE '' END AS prefix
        FROM aged
    ), formed AS (
        SELECT *,
            CASE prefix
                WHEN '' THEN lpad(((i * 48271) % 16999999 + 1)::VARCHAR, 8, '0')
                WHEN 'IP' THEN 'IP' || lpad((i // 400)::VARCHAR, 5, '0') || CASE WHEN h4 % 3 = 0 THEN 'C' ELSE 'R' END
                ELSE prefix || lpad((i // 20)::VARCHAR, 6, '0') END AS number,
            CASE prefix WHEN 'LP' THEN 'Limited Partnership' WHEN 'SL' THEN 'Limited Partnership'
                WHEN 'NL' THEN 'Limited Partnership' WHEN 'OC' THEN 'Limited Liability Partnership'
                WHEN 'SO' THEN 'Limited Liability Partnership' WHEN 'CE' THEN 'Charitable Incorporated Organisation'
                WHEN 'CS' THEN 'Scottish Charitable Incorporated Organisation' WHEN 'RS' THEN 'Registered Society'
                WHEN 'IP' THEN 'Industrial and Provident Society' WHEN 'FC' THEN 'Other company type'
                WHEN 'NF' THEN 'Other company type' WHEN 'IC' THEN 'Investment Company with Variable Capital'
                WHEN 'OE' THEN 'Overseas Entity'
                ELSE CASE WHEN h4 % 100 < 3 THEN
                        'PRI/LTD BY GUAR/NSC (Private, limited by guarantee, no share capital)'
                    WHEN h4 % 100 < 4 THEN 'PRI/LBG/NSC (Private, Limited by guarantee, no share capital,'
                        || ' use of ''Limited'' exemption)'
                    WHEN h4 % 200 = 8 THEN 'Community Interest Company' WHEN h4 % 500 = 9 THEN 'Public Limited Company'
                    WHEN h4 % 900 = 10 THEN 'Private Unlimited Company' ELSE 'Private Limited Company' END
            END AS category,
            prefix IN ('FC', 'NF', 'OE') AS is_foreign, prefix IN ('LP', 'SL', 'NL') AS is_partnership,
            prefix IN ('CE', 'CS', 'RS', 'IC', 'FC', 'NF', 'OE') AS files_elsewhere,
            CASE prefix WHEN 'OC' THEN ' LLP' WHEN 'SO' THEN ' LLP' WHEN 'LP' THEN ' LP' WHEN 'SL' THEN ' LP'
                WHEN 'NL' THEN ' LP' WHEN 'CE' THEN '' WHEN 'CS' THEN '' WHEN 'FC' THEN ' INC'
                ELSE CASE WHEN h5 % 5 < 2 THEN ' LTD' ELSE ' LIMITED' END END AS ending,
            -- One address in five is a formation agent's: a few postcodes hold very many companies.
            place % 5 = 0 AS at_agent, (h6 % 28 + 1)::INTEGER AS ref_day, (h6 % 12 + 1)::INTEGER AS ref_month
        FROM kinds
    ), dated AS (
        SELECT *, make_date(year({last_day}) - CASE WHEN (ref_month, ref_day) > (month({last_day}), day({last_day}))
                THEN 2 ELSE 1 END, ref_month, ref_day) AS made_up,
            make_date(year({last_day}) - CASE WHEN (month(incorporated), least(day(incorporated), 28))
                > (month({last_day}), day({last_day})) THEN 1 ELSE 0 END,
                month(incorporated), least(day(incorporated), 28)) AS confirmed,
            renamings > 0 AND (DATE '{BASE.isoformat()}' + to_months(renamed_in::INTEGER))::DATE > incorporated AS is_renamed
        FROM formed
    ), field AS (
        SELECT i,
            company_name(h5, h3 + renamings * 7919, ending) AS name, number,
            CASE WHEN place % 90 = 1 THEN ['MR A ', 'MS B ', 'DR C ', 'C/O ', 'MRS D '][(place >> 8) % 5 + 1]
                || surname(place >> 12) ELSE '' END AS care_of,
            CASE WHEN place % 450 = 2 THEN 'PO BOX ' || (place % 4999)::VARCHAR ELSE '' END AS po_box,
            CASE WHEN is_foreign THEN (place % 900 + 1)::VARCHAR || ' MAIN STREET'
                WHEN at_agent THEN (20 + (place >> 5) % 12 * 20)::VARCHAR || '-' || (22 + (place >> 5) % 12 * 20)::VARCHAR
                    || ' ' || street((place >> 5) % 12) || ' ROAD'
                WHEN place % 7 = 3 THEN 'UNIT ' || (place % 40 + 1)::VARCHAR || ', ' || street(place >> 6) || ' YARD'
                ELSE (place % 199 + 1)::VARCHAR || ' ' || street(place >> 6)
                    || [' ROAD', ' STREET', ' LANE', ' CLOSE', ' AVENUE'][(place >> 13) % 5 + 1] END AS line_1,
            CASE WHEN place % 4 = 1 THEN street(place >> 9) || ' PARK' ELSE '' END AS line_2,
            CASE WHEN is_foreign THEN '' WHEN at_agent THEN 'LONDON' ELSE town(place >> 4) END AS post_town,
            CASE WHEN is_foreign OR at_agent THEN '' ELSE county(place >> 4) END AS county,
            CASE WHEN is_foreign THEN foreign_country(h6) ELSE
                ['', '', '', 'ENGLAND', 'ENGLAND', 'ENGLAND', 'UNITED KINGDOM', 'UNITED KINGDOM'][place % 8 + 1]
                END AS country,
            CASE WHEN is_foreign OR place % 83 = 5 THEN '' WHEN place % 2011 = 6 THEN bad_postcode(place >> 5)
                WHEN at_agent THEN
                    ['N1 7GU', 'WC2H 9JQ', 'EC1V 2NX', 'EC1V 2NX', 'E8 3RL', 'EC2A 4NE', 'E1 6AN', 'E20 3BS',
                     'E15 1BX', 'E2 8DD', 'W1W 7LT', 'N1 7AA'][(place >> 5) % 12 + 1]
                ELSE outward(place >> 4) || ' ' || inward(h(place, 14)) END AS postcode,
            category,
            CASE WHEN standing % 1000 < 43 THEN 'Active - Proposal to Strike off'
                WHEN standing % 1000 < 65 THEN 'Liquidation' WHEN standing % 2000 = 66 THEN 'In Administration'
                WHEN standing % 4000 = 67 THEN 'Live but Receiver Manager on at least one charge'
                WHEN standing % 4000 = 68 THEN 'ADMINISTRATION ORDER' WHEN standing % 4000 = 69 THEN 'Voluntary Arrangement'
                WHEN standing % 9000 = 70 THEN 'In Administration/Administrative Receiver'
                WHEN standing % 9000 = 71 THEN 'ADMINISTRATIVE RECEIVER' ELSE 'Active' END AS status,
            CASE WHEN is_foreign THEN foreign_country(h6) ELSE 'United Kingdom' END AS origin,
            british(incorporated) AS incorporated_on,
            CASE WHEN files_elsewhere OR is_partnership THEN '' ELSE ref_day::VARCHAR END AS ref_day,
            CASE WHEN files_elsewhere OR is_partnership THEN '' ELSE ref_month::VARCHAR END AS ref_month,
            CASE WHEN files_elsewhere OR is_partnership THEN ''
                ELSE british((greatest(made_up, incorporated) + INTERVAL 21 MONTH)::DATE) END AS accounts_due,
            CASE WHEN files_elsewhere OR is_partnership OR made_up < incorporated THEN ''
                ELSE british(made_up) END AS accounts_made_up,
            CASE WHEN files_elsewhere OR is_partnership THEN '' WHEN made_up < incorporated THEN 'NO ACCOUNTS FILED'
                ELSE ['', '', '', 'TOTAL EXEMPTION FULL', 'TOTAL EXEMPTION FULL', 'TOTAL EXEMPTION FULL', 'MICRO ENTITY',
                      'DORMANT', 'DORMANT', 'UNAUDITED ABRIDGED', 'FULL', 'SMALL', 'GROUP', 'MEDIUM',
                      'AUDIT EXEMPTION SUBSIDIARY', 'ACCOUNTS TYPE NOT AVAILABLE'][(trade >> 7) % 16 + 1]
                END AS accounts_category,
            CASE WHEN files_elsewhere OR incorporated > DATE '2016-06-30' THEN ''
                ELSE british(make_date(2017, month(incorporated), least(day(incorporated), 28))) END AS returns_due,
            CASE WHEN files_elsewhere OR incorporated > DATE '2015-06-30' THEN ''
                ELSE british(make_date(2016, month(incorporated), least(day(incorporated), 28))) END AS returns_made_up,
            CASE WHEN h6 % 11 = 0 THEN (h6 >> 8) % 6 ELSE 0 END AS charges,
            CASE WHEN category LIKE 'Charitable%' OR trade % 27 = 0 THEN 'None Supplied' ELSE sic(trade) END AS sic_1,
            CASE WHEN trade % 27 > 19 THEN sic(trade >> 5) ELSE '' END AS sic_2,
            CASE WHEN trade % 27 > 23 THEN sic(trade >> 7) ELSE '' END AS sic_3,
            CASE WHEN trade % 27 > 25 THEN sic(trade >> 9) ELSE '' END AS sic_4,
            CASE WHEN is_partnership THEN '1' ELSE '0' END AS general_partners,
            CASE WHEN is_partnership THEN (h6 % 9)::VARCHAR ELSE '0' END AS limited_partners,
            CASE WHEN is_renamed THEN british((DATE '{BASE.isoformat()}' + to_months(renamed_in::INTEGER))::DATE)
                WHEN h6 % 13 = 4 THEN british(incorporated + 400) ELSE '' END AS renamed_on,
            CASE WHEN is_renamed THEN company_name(h5, h3 + (renamings - 1) * 7919, ending)
                WHEN h6 % 13 = 4 THEN company_name(h5, h2, ending)
                    || CASE WHEN h6 % 700 = 0 THEN ' ' ELSE '' END ELSE '' END AS previous_1,
            CASE WHEN h6 % 65 = 4 THEN british(incorporated + 200) ELSE '' END AS renamed_on_2,
            CASE WHEN h6 % 65 = 4 THEN company_name(h5, h4, ending) ELSE '' END AS previous_2,
            CASE WHEN files_elsewhere OR is_partnership THEN ''
                ELSE british((greatest(confirmed, incorporated) + INTERVAL 379 DAY)::DATE) END AS confirmation_due,
            CASE WHEN files_elsewhere OR is_partnership OR confirmed <= incorporated THEN ''
                ELSE british(confirmed) END AS confirmation_made_up
        FROM dated
    )
    SELECT '"' || concat_ws('","', replace(name, '"', '""'), number, care_of, po_box, line_1, line_2, post_town, county,
        country, postcode, category, status, origin, '', incorporated_on, ref_day, ref_month, accounts_due,
        accounts_made_up, accounts_category, returns_due, returns_made_up, charges::VARCHAR, (charges // 2)::VARCHAR,
        '0', (charges - charges // 2)::VARCHAR, sic_1, sic_2, sic_3, sic_4, general_partners, limited_partners,
        'http://business.data.gov.uk/id/company/' || number, renamed_on, replace(previous_1, '"', '""'), renamed_on_2,
        replace(previous_2, '"', '""'), '","","","","","","","","","","","","","","","', confirmation_due,
        confirmation_made_up) || '"' || chr(13) || chr(10) AS line
    FROM field
    """


def lines(rows: int, day: date, seed: int) -> Iterator[tuple[int, memoryview]]:
    """The data lines in batches: how many they are, and their bytes. The header is not among them.

    Raises:
        ValueError: the date lies before the first month of this world, or there are no rows.
    """
    if months_after_base(day) < 0 or rows < 1:
        raise ValueError(f"needs a date from {BASE.isoformat()} on and at least one row")
    connection = duckdb.connect(":memory:", config={"memory_limit": "2GB"})
    try:
        for macro in _macros():
            connection.execute(macro)
        reader = connection.execute(_query(rows, day, seed)).to_arrow_reader(100_000)
        for batch in reader:
            column = batch.column(0)
            _, offsets, content = column.buffers()
            ends = memoryview(offsets).cast("i")
            start, end = ends[column.offset], ends[column.offset + len(column)]
            yield len(column), memoryview(content)[start:end]
    finally:
        connection.close()


def write_csv(target: BinaryIO, rows: int, day: date, seed: int) -> None:
    """One CSV file, header and all."""
    target.write((HEADER + "\r\n").encode())
    for _, content in lines(rows, day, seed):
        target.write(content)


def _split(rows: int, parts: int) -> list[int]:
    return [rows // parts + (1 if part < rows % parts else 0) for part in range(parts)]


def write_register(
    folder: Path, *, rows: int, day: date, seed: int = 1, parts: int = 0, zipped: bool = False
) -> list[Path]:
    """Write the register of a month as the publisher names it: one file, or ``parts`` of them.

    Args:
        folder: made if it is missing.
        rows: how many companies there are in all.
        day: the month; the publisher's files carry its first day.
        seed: another seed, another world.
        parts: 0 for the one-file product.
        zipped: each file in a zip of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [file_name(day, part + 1, parts) for part in range(parts)] if parts else [file_name(day)]
    sizes = _split(rows, parts) if parts else [rows]
    batches = lines(rows, day, seed)
    waiting: list[bytes] = []  # lines of a batch that belong to the next part
    written = []
    for name, size in zip(names, sizes, strict=True):
        path = folder / f"{name}{'.zip' if zipped else '.csv'}"
        with path.open("wb") as file:
            if zipped:
                # No time and no system in it: the same rows give the same entry on every machine.
                entry = zipfile.ZipInfo(f"{name}.csv", date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                with zipfile.ZipFile(file, "w") as archive, archive.open(entry, "w", force_zip64=True) as member:
                    waiting = _write_part(member, batches, waiting, size, whole=not parts)  # type: ignore[arg-type]
            else:
                waiting = _write_part(file, batches, waiting, size, whole=not parts)
        written.append(path)
    return written


def _write_part(
    target: BinaryIO, batches: Iterator[tuple[int, memoryview]], waiting: list[bytes], size: int, *, whole: bool
) -> list[bytes]:
    target.write((HEADER + "\r\n").encode())
    if whole:
        for _, content in batches:
            target.write(content)
        return []
    while len(waiting) < size:
        _, content = next(batches)
        waiting += bytes(content).splitlines(keepends=True)
    target.write(b"".join(waiting[:size]))
    return waiting[size:]


# --- rows as they go wrong -----------------------------------------------------------------------------

_NAME, _NUMBER = 0, 1
Cells = list[bytes]  # of one line, as they stand between its quotes


def _line(cells: Cells) -> bytes:
    return b'"' + b'","'.join(cells) + b'"\r\n'


def _with(cells: Cells, place: int, cell: bytes) -> Cells:
    return [*cells[:place], cell, *cells[place + 1 :]]


FAULTS: Mapping[str, Callable[[Cells], bytes]] = {
    "blank-name": lambda cells: _line(_with(cells, _NAME, b"")),
    "undoubled-quote": lambda cells: _line(_with(cells, _NAME, b'THE "' + cells[_NAME])),
    "bad-byte": lambda cells: _line(_with(cells, _NAME, cells[_NAME] + b"\xe9")),
    "duplicate-number": lambda cells: _line(cells) + _line(_with(cells, _NAME, cells[_NAME] + b" TOO")),
    "extra-cell": lambda cells: _line([*cells[:6], b"ONE MORE", *cells[6:]]),
    "missing-cell": lambda cells: _line([*cells[:6], *cells[7:]]),
}
"""By name, what a row becomes. The company's number can be told for sure in each of them."""


def broken(
    content: bytes, share: float, seed: int = 1, faults: tuple[str, ...] = tuple(FAULTS)
) -> tuple[bytes, dict[str, str]]:
    """A month's CSV of which a share of the rows is broken.

    The same arguments give the same bytes; the faults take turns.

    Args:
        content: a CSV as ``write_csv`` makes it, with its header.
        share: of the rows, from 0 to 1; at least one row is broken where it is above 0.
        seed: which rows.
        faults: names out of ``FAULTS``.

    Returns:
        The CSV with those rows broken, and by the number of each of their companies the fault.
    """
    header, *rows = content.splitlines(keepends=True)
    count = min(len(rows), max(1, round(len(rows) * share))) if share > 0 else 0
    found = {}
    for turn, place in enumerate(random.Random(seed).sample(range(len(rows)), count)):
        cells = rows[place].rstrip(b"\r\n")[1:-1].split(b'","')
        fault = faults[turn % len(faults)]
        rows[place] = FAULTS[fault](cells)
        found[cells[_NUMBER].decode()] = fault
    return header + b"".join(rows), found


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m dev.synthetic_register", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the month's first day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", type=int, default=0, help="several files, as the publisher also gives them")
    parser.add_argument("--zip", action="store_true")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder; or a .csv for one plain file")
    given = parser.parse_args(arguments)
    if given.output.suffix == ".csv" and not given.parts and not given.zip:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        with given.output.open("wb") as file:
            write_csv(file, given.rows, given.date, given.seed)
        written = [given.output]
    else:
        written = write_register(
            given.output, rows=given.rows, day=given.date, seed=given.seed, parts=given.parts, zipped=given.zip
        )
    for path in written:
        print(f"{path}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
