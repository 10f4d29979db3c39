"""Writes the sample that ships with the source: real pilots in a workbook as a coordinator keeps one.

    python -m dev.sample_pilots [TARGET]

The facts are public and carried over with their source and a confidence; the sentences are our own. One
programme is invented, and its name says so. Dates are only as exact as their source: a month becomes its first or
last day and says so, "spring 2016" stays words. The form is a person's on purpose (a title, notes between the
rows, dates and sums typed as text, a column of her own, a total), so that the demonstration shows what the reader
copes with. The same bytes come out every time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import xlsxwriter

from warehouse import declarations

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "sources" / "agile_pilots" / "sample" / "agile_pilots.xlsx"

FVH = "https://forumvirium.fi/en/"
KALASATAMA_1 = "https://www.muotoilutarinat.fi/en/project/kalasatama/"
KALASATAMA_2 = (
    "https://fiksukalasatama.fi/en/how-agile-pilots-help-developing-urban-services-kuntokaverit-and-auntie"
    "-brought-wellbeing-for-kalasatama/?share=facebook"
)
KALASATAMA_0 = (
    "http://smartenergytransition.fi/fi/fiksussa-kalasatamassa-vahennetaan-ruoan-havikkia-ja-kokeillaan"
    "-tavaroiden-yhteiskuljetusta/"
)
LAST_MILE = (
    "https://www.intelligenttransport.com/transport-news/98062/helsinki-smart-mobility-pilots-deemed-a-success/"
)
LAST_MILE_ALL = (
    FVH + "eight-smooth-mobility-services-piloted-in-helsinki-the-last-mile-project-provided-the-city-with"
    "-experience-in-smart-mobility-services/"
)
MOBILITY_LAB = FVH + "five-lessons-learned-from-smart-mobility-testbed-operations-in-helsinki/"
STREET_SMARTS = (
    "https://fiksukaupunki.fi/en/the-year-2022-brings-lighting-and-sensor-pilots-to-malmi-and-malminkartano/"
)
GREEN_OASES = (
    "https://www.sttinfo.fi/tiedote/vehreat-kaupunkikeitaat-nousevat-malmille-ja-malminkartanoon"
    "?publisherId=60590288&releaseId=69914384"
)
COMMUNICITY = "https://communicity-project.eu/all-cities/helsinki/"
COMMUNICITY_2 = "https://communicity-project.eu/2024/01/08/25-pilots-running-in-seven-european-cities/"
CHALLENGE = "https://healthcapitalhelsinki.fi/helsinki-co-creates-with-startups"
TEKLA = (
    "https://testbed.hel.fi/en/edtech/the-mobile-testbed-tekla-is-a-shortcut-to-product-development-a-successful"
    "-spring-semester"
)
MYSMARTLIFE = (
    "https://rss.globenewswire.com/en/news-release/2017/09/19/1301623/0/en/Helsinki-Pioneers-Smart-City-Solutions"
    "-in-mySMARTLife-Project.html"
)
WORK_PILOTS = (
    FVH + "agile-piloting-results-in-informative-cooperation-between-a-startup-upper-secondary-school-and-its"
    "-pupils/"
)
FINEST = "https://newpolis.media/?p=3547"


@dataclass(frozen=True)
class Pilot:
    """A pilot; what is None is not known."""

    id: str
    name: str
    theme: str
    description: str | None = None
    source_url: str = ""
    theme2: str | None = None
    organisation: str | None = None
    business_id: str | None = None
    result: str | None = None
    period: str | None = None
    start: str | None = None
    end: str | None = None
    really_ended: str | None = None
    precision: str | None = None
    grant: float | None = None
    participants: int | None = None
    confidence: str = "high"
    note: str | None = None
    district: str | None = None
    city: str = "Helsinki"
    round: str | None = None


@dataclass(frozen=True)
class Round:
    """A round of a programme and what is known of its call."""

    id: str
    label: str
    year: int | None = None
    offers: int | None = None
    selected: int | None = None
    opens: str | None = None
    closes: str | None = None
    confidence: str = "high"
    source_url: str = ""
    funding_project: str | None = None  # code of the structural funds' project that paid for the pilots


@dataclass(frozen=True)
class Programme:
    """A programme with its rounds and pilots. ``common`` holds for every pilot that does not say otherwise."""

    name: str
    pilots: tuple[Pilot, ...]
    rounds: tuple[Round, ...] = ()
    common: dict[str, object] = field(default_factory=dict)


ROUND_INFERRED = "Page undated; round inferred from the programme's site, which dates round 1 to spring 2016."
K = {"district": "Kalasatama"}
PROGRAMMES = (
    Programme(
        "Smart Kalasatama Agile Piloting",
        (
            Pilot("kalasatama-1-nappi-naapuri", "Nappi Naapuri (Nifty Neighbour)", "community",
                  "App in which neighbours ask for and offer help", KALASATAMA_1, round="kalasatama-1",
                  period="spring 2016", confidence="medium", note=ROUND_INFERRED),
            Pilot("kalasatama-1-tuup", "Tuup", "mobility",
                  "App that joins several means of transport in one trip", KALASATAMA_1, round="kalasatama-1",
                  period="spring 2016", confidence="medium", note=ROUND_INFERRED),
            Pilot("kalasatama-1-foller", "Foller", "resource_recycling",
                  "App for wasting less food", KALASATAMA_1, round="kalasatama-1",
                  period="spring 2016", confidence="medium", note=ROUND_INFERRED),
            Pilot("kalasatama-1-waste-fill-level", "Waste container fill-level monitoring", "resource_recycling",
                  "Service that watches how full waste containers are", KALASATAMA_1, round="kalasatama-1",
                  period="spring 2016", confidence="medium", note=ROUND_INFERRED),
            Pilot("kalasatama-2-kuntokaverit", "KuntoKaverit (FitFriends)", "healthcare",
                  "Peer coaches and online tools that keep older residents active", KALASATAMA_2,
                  theme2="community", organisation="KuntoKaverit", round="kalasatama-2", period="autumn 2016",
                  note="Three senior residents were trained as coaches; the size of their groups is not given."),
            Pilot("kalasatama-2-auntie", "Auntie", "healthcare",
                  "Online support for mental wellbeing with a low threshold", KALASATAMA_2,
                  organisation="Auntie Solutions", round="kalasatama-2", period="autumn 2016",
                  note="The organisation's name is from helsinkibusinesshub.fi."),
            Pilot("kalasatama-healthskills", "HealthSkills", "healthcare",
                  "Activity app combined with coaching", "https://helsinkibusinesshub.fi/helsinki-boosting"
                  "-innovation-platform-activities-health-wellbeing/",
                  organisation="Coach4Pro; Kisakallio Sports Institute", confidence="medium",
                  note="Called one of the programme's pioneering pilots; the round is not stated."),
        ),
        (
            Round("kalasatama-1", "1", 2016, confidence="medium", source_url=KALASATAMA_1),
            Round("kalasatama-2", "2", 2016, 37, 2, source_url=KALASATAMA_2),
        ),
        K,
    ),
    Programme(
        "Smart Kalasatama (before the Agile Piloting programme)",
        (
            Pilot("kalasatama-0-goods-delivery", "Crowdsourced goods delivery service", "sharing_economy",
                  "Neighbours carry goods for one another", KALASATAMA_0, theme2="mobility", period="2014",
                  start="2014-01-01", precision="year", note="Source in Finnish."),
            Pilot("kalasatama-0-container-library", "Self-service container library", "urban_environment",
                  "Library in a container, without staff", KALASATAMA_0, period="2014",
                  start="2014-01-01", precision="year", note="Source in Finnish."),
        ),
        common=K,
    ),
    Programme(
        "Smart Kalasatama smart solutions",
        (
            Pilot("kalasatama-hima", "HIMA home automation (houses Fiskari and Fregatti)", "energy",
                  "Remote control and automation of flats in two apartment houses", KALASATAMA_0,
                  organisation="Helen",
                  result="A good first step; residents asked for more functions and automatic settings.",
                  note="The names of the houses are from fiksukalasatama.fi."),
        ),
        common=K,
    ),
    Programme(
        "Flexi Spaces (Joustotilat)",
        (
            Pilot("flexi-spaces-flextila", "Flextila booking service with smart locks", "sharing_economy",
                  "Rooms of libraries and housing companies booked by the hour, opened with a code",
                  "https://fiksukalasatama.fi/viisi-tapaa-joustotilat-tekevat-parempaa-kaupunkia/",
                  organisation="Flextila", period="since 2016", district="Kalasatama-Vallila",
                  result="Some rooms were used more than three times as much once they had smart locks.",
                  note="The growth is of some rooms only."),
        ),
    ),
    Programme(
        "Smart Kalasatama",
        (
            Pilot("kalasatama-super-flexi-space", "Kalasatama Urban Lab super flexi space", "sharing_economy",
                  "Test site for shared rooms that people use on their own",
                  "https://openlivinglabdays.com/2019/06/21/flexi-spaces-how-to-start-sharing-your-lab-space/",
                  organisation="Forum Virium Helsinki", business_id="2170029-2", start="2018-11-01",
                  precision="month", note="Business id from the EU structural funds' register, project A70009."),
            Pilot("kalasatama-robot-courier", "Robot courier from REDI shopping centre to tower residents",
                  "mobility", "Robot that brings small purchases from the shopping centre to the flats above it",
                  "https://yle.fi/uutiset/3-11584911?origin=rss", theme2="urban_environment",
                  organisation="Forum Virium Helsinki; SRV", business_id="2170029-2",
                  period="October 2020, one month", start="2020-10-01", precision="month",
                  district="Kalasatama (Majakka tower, REDI)",
                  result="20 to 30 orders a day; residents took to it.",
                  note="It could be called from 282 flats; who made the robot is not stated."),
        ),
        common=K,
    ),
    Programme(
        "Healthy Liveable Neighbourhoods (Nordic Healthy Cities)",
        (
            Pilot("healthy-neighbourhoods-green-kalasatama", "Green Kalasatama", "urban_environment",
                  "Augmented-reality app to place trees and bushes and see what they do",
                  "https://forumvirium.fi/kolme-kokeilua-valittu-edistamaan-hyvinvoivaa-kaupunkielamaa-healthy"
                  "-liveable-neighbourhoods-hankkeessa/",
                  theme2="community", organisation="Granlund Oy", round="healthy-neighbourhoods-1",
                  note="Offers came from five countries; the other two pilots were in Vantaa and Stavanger."),
        ),
        (
            Round("healthy-neighbourhoods-1", "1", None, 17, 3,
                  source_url="https://forumvirium.fi/kolme-kokeilua-valittu-edistamaan-hyvinvoivaa-kaupunkielamaa"
                  "-healthy-liveable-neighbourhoods-hankkeessa/"),
        ),
        K,
    ),
    Programme(
        "6Aika Last Mile (Perille asti)",
        (
            Pilot("last-mile-1-bicycle-tours", "Bicycle tours with audio navigation", "mobility",
                  "Cycling tours for visitors, led by sound", LAST_MILE, round="last-mile-1"),
            Pilot("last-mile-1-shared-car-parking", "Smart parking for shared-use cars", "mobility",
                  "Parking spaces kept for shared cars", LAST_MILE, theme2="sharing_economy",
                  round="last-mile-1"),
            Pilot("last-mile-1-boat-rides-on-demand", "'Uber for boats' on-demand boat rides", "mobility",
                  "Boat rides that are ordered when needed", LAST_MILE, round="last-mile-1"),
            Pilot("last-mile-1-market-square-boat", "Boat rides from Jätkäsaari to the Market Square", "mobility",
                  "Local boat line to the city's centre", LAST_MILE, round="last-mile-1"),
            Pilot("last-mile-2-smart-crossing", "Smart pedestrian crossing (Selkämerenkatu)", "mobility",
                  "Traffic sign that counts traffic, measures the air and tests collision warnings",
                  FVH + "smart-pedestrian-crossing-and-smart-carpool-pilots-in-jatkasaari/",
                  organisation="Bercman Technologies", round="last-mile-2"),
            Pilot("last-mile-2-football-rides", "Shared rides to football practice", "mobility",
                  "Minibus that takes children from school to their practice", LAST_MILE_ALL,
                  theme2="sharing_economy", organisation="Pallo-Pojat Juniorit ry (PPJ)", round="last-mile-2",
                  result="Went on after the pilot and saved parents time; a free guidebook came out of it."),
            Pilot("last-mile-2-cargo-bike-sharing", "Local cargo bike sharing scheme", "mobility",
                  "Cargo bikes with smart locks, shared in the yards of housing companies",
                  FVH + "new-smart-mobility-experimentations-for-jatkasaari-selected/",
                  theme2="sharing_economy", round="last-mile-2"),
            Pilot("last-mile-2-cargo-bike-logistics", "Ecological cargo bike transports (light local logistics)",
                  "mobility", "Goods delivered locally by cargo bike", LAST_MILE, theme2="climate",
                  round="last-mile-2"),
        ),
        (
            Round("last-mile-1", "1", 2018, None, 4, source_url=LAST_MILE_ALL),
            Round("last-mile-2", "2", 2019, None, 4, source_url=LAST_MILE),
        ),
        {"district": "Jätkäsaari"},
    ),
    Programme(
        "Mobility Lab Helsinki",
        (
            Pilot("mobility-lab-flowcube", "FlowCube traffic sensor", "mobility",
                  "Sensor that tells all means of transport apart and measures travel times", MOBILITY_LAB,
                  district="Kaisantunneli", note="Company and date are not stated."),
            Pilot("mobility-lab-lidar", "LiDAR traffic data collection", "mobility",
                  "Laser sensors that count vehicles, bicycles and people on foot", MOBILITY_LAB,
                  district="Esplanadi", note="Company and date are not stated."),
            Pilot("mobility-lab-path-pilot", "E-scooter riding and parking with Path Pilot computer vision",
                  "mobility", "E-scooters whose cameras recognise where they ride and park",
                  "https://www.metro-magazine.com/blogposts/ai-pilot-study-set-to-launch-in-helsinki-and-chicago",
                  organisation="Drover AI; Voi Technology; Vianova; VTT", period="three months from July 2023",
                  start="2023-07-01", precision="month", note="Planned; told by one of the companies."),
        ),
    ),
    Programme(
        "Helsinki Innovation Districts: Street Smarts (Fiksu valo, viisas katu)",
        (
            Pilot("street-smarts-park-light", "Residents colour the Ala-Malmi park with light",
                  "urban_environment", "Anyone changes the colour of the park's lights by telephone",
                  FVH + "release/residents-get-to-colour-the-ala-malmi-park-with-light/", theme2="community",
                  organisation="C2 SmartLight Oy", start="2022-11-01", precision="month",
                  district="Malmi (Ala-Malmi park)", period="November 2022"),
            Pilot("street-smarts-solar-lights", "Zero-energy (solar) street lights on the field route",
                  "urban_environment", "Movable solar lights on a path that had none", STREET_SMARTS,
                  theme2="energy", organisation="Silux Oy", district="Malminkartano"),
            Pilot("street-smarts-slipperiness", "Slipperiness / condition sensors for pedestrian routes",
                  "urban_environment", "Condition of footpaths measured as it changes", STREET_SMARTS,
                  theme2="mobility", district="Malminkartano", note="Company not stated."),
        ),
        (Round("street-smarts-2022", "Street Smarts", 2022, None, 3, source_url=STREET_SMARTS),),
        {"round": "street-smarts-2022", "period": "2022", "start": "2022-01-01", "precision": "year"},
    ),
    Programme(
        "Helsinki Innovation Districts: green oases",
        (
            Pilot("green-oases-walls", "Green walls as space dividers (Malminkartanonaukio)", "urban_environment",
                  "Movable walls of plants that divide a square, a new product", organisation="InnoGreen",
                  district="Malminkartano"),
            Pilot("green-oases-fountain", "Green oasis on the unused fountain", "urban_environment",
                  "Planted seating where a fountain is no longer used", organisation="Parkly", district="Malmi"),
        ),
        (Round("green-oases-2021", "2021", 2021, source_url=GREEN_OASES),),
        {"round": "green-oases-2021", "start": "2021-07-01", "precision": "month", "source_url": GREEN_OASES,
         "note": "From a press release."},
    ),
    Programme(
        "Mission Zero Foodprint (ERDF A75158)",
        (
            Pilot("zero-foodprint-hukka", "Hukka", "resource_recycling",
                  "Online service that helps restaurants to waste less and to order what they need",
                  FVH + "mission-zero-foodprint-pilots-three-solutions-to-reduce-the-carbon-footprint-of"
                  "-restaurants/", theme2="climate", round="zero-foodprint-1", period="six months",
                  district="Helsinki region",
                  note="13 companies made 16 proposals; the names of the other two pilots are not stated."),
        ),
        (
            Round("zero-foodprint-1", "1", None, 16, 3,
                  source_url=FVH + "mission-zero-foodprint-pilots-three-solutions-to-reduce-the-carbon-footprint"
                  "-of-restaurants/"),
        ),
    ),
    Programme(
        "CommuniCity",
        (
            Pilot("communicity-kwizie", "Kwizie - AI Co-Pilot for Recognizing Competence through Interactive"
                  " Video Quiz Games", "digital_inclusion",
                  "Video quizzes that show what long-term unemployed people can do, and videos on services for"
                  " homeless people", COMMUNICITY, theme2="education", organisation="Kwizie Oy",
                  city="Helsinki; Tallinn", round="communicity-2", confidence="medium",
                  result="Play helps to learn skills for work; both cities were content.",
                  note="The grant is the fixed sum of a pilot; the round is inferred from the city."),
            Pilot("communicity-skills-mapping", "Digital Skills Mapping survey (interactive video-based platform)",
                  "digital_inclusion", "Web survey that finds out the digital skills of unemployed people",
                  COMMUNICITY, organisation="Stereoscape Oy", confidence="medium",
                  note="The grant is the fixed sum of a pilot; the round is not stated."),
            *(
                Pilot(f"communicity-2-{slug}", name, "digital_inclusion", text, COMMUNICITY_2, theme2=second,
                      organisation=company, city="Amsterdam", round="communicity-2", start="2023-12-01",
                      end="2024-05-31", precision="month", note="The end is the planned one.")
                for slug, name, second, text, company in (
                    ("girls-in-sports", "Girls in sports and exercise (Zuidoost)", "healthcare",
                     "Brings more girls of a part of the city into sports", "One2One.run"),
                    ("savings-cooperative", "Community savings and credit cooperative", "community",
                     "Residents save together and fund what their neighbourhood needs", "CoTownBV"),
                    ("announcements-to-text", "Public transport announcements to text", "mobility",
                     "What is announced on the way arrives as a text message", "Highberg"),
                    ("t-apps", "Pilot of T-APPS BV (title not stated)", None, None, "T-APPS BV"),
                )
            ),
            Pilot("communicity-1-tolkie", "Empowering low literate citizens of Amsterdam with the help of A.I.",
                  "digital_inclusion", "Tool that helps people who read little to understand a hard text",
                  "https://openresearch.amsterdam/nl/page/99162/communicity", theme2="education",
                  organisation="Tolkie", city="Amsterdam", round="communicity-1", start="2023-05-01",
                  precision="month", confidence="medium",
                  note="Round inferred: the first Amsterdam pilot that is listed."),
        ),
        (
            Round("communicity-1", "1", 2023, None, 13, "2023-02-28", "2023-03-31",
                  source_url="https://manuals.communicity-project.eu/case-study/case-communicity-pilot-flow/"),
            Round("communicity-2", "2", 2023, 48, 25, "2023-09-12", "2023-10-31", source_url=COMMUNICITY_2),
            Round("communicity-3", "3", 2024, 204, 60, None, "2024-10-31",
                  source_url="https://communicity-project.eu/2025/02/18/60-pilots-empowering-marginalised"
                  "-communities-across-europe/"),
        ),
        {"grant": 12500.0},
    ),
    Programme(
        "City of Helsinki Innovation Challenge 2020 (physical activity of personnel)",
        tuple(
            Pilot(f"innovation-challenge-2020-{slug}", name, "healthcare", None, CHALLENGE, organisation=name)
            for slug, name in (
                ("stepout", "StepOut"),
                ("cuckoo-workout", "Cuckoo Workout"),
                ("fibion", "Fibion"),
                ("cityspotting", "Cityspotting"),
                ("syke-tribe", "Syke Tribe"),
                ("loyda-luonto", "Löydä Luonto (Find Nature)"),
            )
        ),
        (Round("innovation-challenge-2020", "2020", 2020, 43, 6, source_url=CHALLENGE),),
        {"round": "innovation-challenge-2020", "period": "typically September to December 2020",
         "start": "2020-09-01", "end": "2020-12-31", "precision": "month",
         "note": "43 companies applied, 11 pitched, 6 were selected."},
    ),
    Programme(
        "EdTech Testbed Helsinki: TEKLA mobile testbed",
        tuple(
            Pilot(f"tekla-2024-{slug}", name, "education", text, TEKLA, organisation=company)
            for slug, name, text, company in (
                ("loru-games", "Loru Games", None, "Loru Games"),
                ("lumipallo", "Lumipallo Consulting", None, "Lumipallo Consulting"),
                ("win-or-learn", "Win or Learn", None, "Win or Learn"),
                ("ujuzi", "Ujuzi", None, "Ujuzi"),
                ("kwizie", "Kwizie.ai", None, "Kwizie.ai"),
                ("careus", "CareUs (Lou-hi sound mat)",
                 "Mat with sensors for teaching music, tried in a mobile test container", "CareUs Oy"),
            )
        ),
        (Round("tekla-spring-2024", "spring 2024", 2024, None, 6, source_url=TEKLA),),
        {"round": "tekla-spring-2024", "period": "spring semester 2024", "start": "2024-02-01",
         "precision": "month", "district": "schoolyards",
         "description": "Workshops with groups of learners in a mobile test container",
         "note": "220 workshops and 2,344 participants for all six companies together."},
    ),
    Programme(
        "6Aika Smart Learning Environments: agile pilots in Helsinki schools",
        (
            Pilot("schools-2018-work-pilots", "Work Pilots", "education",
                  "Pupils find their strengths, make a digital CV and take small paid jobs",
                  WORK_PILOTS, organisation="Work Pilots", round="schools-autumn-2018",
                  period="autumn 2018, four months planned", district="Helsingin kuvataidelukio"),
        ),
        (
            Round("schools-autumn-2018", "autumn 2018", 2018, None, 10,
                  source_url=WORK_PILOTS),
        ),
    ),
    Programme(
        "FABULOS robot bus",
        (
            Pilot("fabulos-robot-bus", "FABULOS robot bus fleet (three vehicles)", "mobility",
                  "Three driverless buses on demand, watched from a control centre",
                  "https://smartcitiesconnect.org/helsinki-concludes-three-year-last-mile-mobility-pilots/",
                  period="spring 2020, 50 days", confidence="medium",
                  note="News of spring 2020; suppliers and place are not stated."),
        ),
    ),
    Programme(
        "mySMARTLife (Horizon 2020 lighthouse)",
        (
            Pilot("mysmartlife-environment-house-heating",
                  "Occupancy-based heating control in the Environment House", "energy",
                  "Offices heated by how many people are in them and by what energy costs", MYSMARTLIFE,
                  theme2="climate", organisation="Fourdeg", district="Viikki", period="2017",
                  note="A planned action, from a press release of September 2017."),
            Pilot("mysmartlife-environment-house-storage", "Solar energy storage in the Environment House",
                  "energy", "Storage for solar energy, 18 hours' worth of a single-family house", MYSMARTLIFE,
                  theme2="climate", organisation="Siemens", district="Viikki", period="2017",
                  note="From a press release of September 2017."),
            Pilot("mysmartlife-thermostats", "Smart thermostats in 1970s apartment buildings", "energy",
                  "Thermostats that shift heating to when energy is plentiful", MYSMARTLIFE, theme2="climate",
                  organisation="Salusfin", district="Merihaka", period="autumn 2017",
                  note="The start is from mysmartlife.eu."),
            Pilot("mysmartlife-zoo-renewables", "Visitor co-financing of renewable energy", "energy",
                  "Workshops on how the zoo's visitors could pay for renewable energy",
                  "https://mysmartlife.eu/news/mysmartlife-news-article/news/latest-news-from-lighthouse-city"
                  "-helsinki/", theme2="community", organisation="Helen", district="Korkeasaari zoo",
                  period="autumn 2017", note="A planned action."),
        ),
    ),
    Programme(
        "FinEst Twins mini-pilot programme",
        tuple(
            Pilot(f"finest-twins-2-{slug}", name, theme, None, FINEST, theme2=second)
            for slug, name, theme, second in (
                ("building-emissions", "cutting CO2 emissions in buildings", "climate", "smart_city"),
                ("energy-cooperation", "boosting clean energy cooperation", "energy", "smart_city"),
                ("energy-resilience", "utilising energy data for improving resilience", "energy", "smart_city"),
                ("vehicle-emissions", "centralising vehicle emission data", "climate", "mobility"),
                ("pediatric-rehabilitation", "supporting pediatric rehabilitation with AI", "healthcare",
                 "smart_city"),
                ("public-services", "enhancing public service delivery", "smart_city", None),
            )
        ),
        (
            Round("finest-twins-2", "2", 2025, None, 6, "2025-02-17", "2025-03-17", "medium", FINEST),
        ),
        {"round": "finest-twins-2", "city": "Helsinki; Tallinn", "confidence": "medium", "period": "2025",
         "note": "Described by theme; the companies are not stated. The call allowed at most seven."},
    ),
    # Invented, and called so: companies that the samples of the registers know too, so that joins have answers.
    Programme(
        "Example agile piloting (invented)",
        (
            Pilot("example-1-kuunsilta", "Door-step pharmacy", "social_health",
                  "Medicines brought to the door together with a weekly call", round="example-1",
                  organisation="Kuunsilta Palvelut Oy", business_id="9000001-1",
                  start="2018-02-01", end="2018-06-30", grant=8000, participants=42),
            Pilot("example-1-satama-robotiikka", "Parcel robot of the quay", "mobility",
                  "Robot that brings parcels from a locker to the stairwell", round="example-1",
                  organisation="Satama Robotiikka Oy", business_id="9000018-5",
                  start="2018-02-01", end="2018-07-31", really_ended="2018-09-14", grant=7500, participants=110),
            Pilot("example-1-tuulikello", "Wind clock", "climate",
                  "Display in the stairwell that says when electricity is clean", round="example-1",
                  theme2="energy", organisation="Tuulikello Energia Oy", business_id="9000035-3",
                  start="2018-03-01", end="2018-08-15", really_ended="2018-08-15", grant=5000, participants=65),
            Pilot("example-2-verkkosaari", "Shared rides to the metro", "mobility",
                  "Rides on demand between the shore and the metro", round="example-2",
                  organisation="Verkkosaari Liikkuminen", start="2018-09-01", end="2019-02-28", grant=9000,
                  participants=230, note="Invented; the business id is left out on purpose."),
            Pilot("example-2-siilonmutka", "Balance at home", "healthcare",
                  "Exercises for older residents, guided over a screen", round="example-2",
                  organisation="Siilonmutka Hyvinvointi Oy", business_id="9000069-5",
                  start="2018-09-01", end="2019-01-31", grant=6000, participants=18),
            Pilot("example-2-majakka", "Return point for batteries", "resource_recycling",
                  "Return point in the yard that pays for batteries and small devices", round="example-2",
                  organisation="Majakka Kierrätys Oy", business_id="9000086-3",
                  start="2018-10-01", end="2019-03-31", grant=10000, participants=95),
            Pilot("example-2-hanhisaari", "Neighbourhood lessons", "education",
                  "Residents teach one another in the club room", round="example-2",
                  organisation="Hanhisaari Oppiminen", note="Invented; without dates and grant on purpose."),
        ),
        (
            Round("example-1", "spring 2018", 2018, 14, 3, "2017-11-01", "2017-11-30",
                  funding_project="A79001"),
            Round("example-2", "autumn 2018", 2018, 22, 4, "2018-05-02", "2018-05-31",
                  funding_project="A79001"),
        ),
        {**K, "precision": "day", "note": "Invented for the sample; no such pilot took place."},
    ),
)  # fmt: skip

# Last Mile's pilots are dated by the year of their round only.
YEARS = {"last-mile-1": "2018", "last-mile-2": "2019"}

PILOT_COLUMNS = {
    "pilot_id": "Pilot ID",
    "pilot_name": "Pilot",
    "programme": "Programme",
    "round_id": "Round",
    "theme_code": "Theme",
    "secondary_theme_code": "Second theme",
    "organisation": "Company",
    "business_id": "Y-tunnus",
    "city": "City",
    "district": "District",
    "description": "Description",
    "start_date": "Starts",
    "end_date": "Ends",
    "date_precision_code": "Date precision",
    "period_text": "Period",
    "grant_eur": "Grant (EUR)",
    "participants_count": "Participants",
    "result": "Result",
    "confidence_code": "Confidence",
    "source_url": "Source",
    "source_note": "Note",
    "contact_name": "Contact",
    "contact_email": "E-mail",
    "": "Desk memo",  # a column of the coordinator's own, which no declaration knows
    "actual_end_date": "Really ended",  # a column that came later
}
ROUND_COLUMNS = {
    "round_id": "Round ID",
    "programme": "Programme",
    "round_label": "Round",
    "round_year": "Year",
    "call_opens_date": "Call opens",
    "call_closes_date": "Call closes",
    "offers_count": "Offers",
    "selected_count": "Selected",
    "confidence_code": "Confidence",
    "funding_project_code": "Funding project",
    "source_url": "Source",
}
NOTED = ("CommuniCity", "mySMARTLife (Horizon 2020 lighthouse)")  # programmes with a note above their pilots
WIDE = {"pilot_name": 34, "programme": 30, "description": 48, "result": 36, "source_url": 30, "source_note": 36}


def pilot_rows() -> list[dict[str, object]]:
    """Every pilot as a row by declared field name."""
    rows = []
    for programme in PROGRAMMES:
        for pilot in programme.pilots:
            given = {name: value for name, value in vars(pilot).items() if value not in (None, "")}
            defaults = {"city", "confidence"} - {
                name for name in ("city", "confidence") if given[name] != getattr(Pilot, name)
            }
            facts = {**{name: given.pop(name) for name in defaults}, **programme.common, **given}
            year = YEARS.get(str(facts.get("round")))
            if year:
                facts |= {"period": year, "start": f"{year}-01-01", "precision": "year"}
            if not facts.get("start"):
                facts.pop("precision", None)
            rows.append(
                {
                    "pilot_id": facts["id"],
                    "pilot_name": facts["name"],
                    "programme": programme.name,
                    "round_id": facts.get("round"),
                    "district": facts.get("district"),
                    "city": facts["city"],
                    "theme_code": facts["theme"],
                    "secondary_theme_code": facts.get("theme2"),
                    "organisation": facts.get("organisation"),
                    "business_id": facts.get("business_id"),
                    "description": facts.get("description"),
                    "result": facts.get("result"),
                    "period_text": facts.get("period"),
                    "start_date": facts.get("start"),
                    "end_date": facts.get("end"),
                    "actual_end_date": facts.get("really_ended"),
                    "date_precision_code": facts.get("precision"),
                    "grant_eur": facts.get("grant"),
                    "participants_count": facts.get("participants"),
                    "confidence_code": facts["confidence"],
                    "source_url": facts.get("source_url"),
                    "source_note": facts.get("note"),
                }
            )
    return rows


def round_rows() -> list[dict[str, object]]:
    """Every round as a row by declared field name."""
    return [
        {
            "round_id": item.id,
            "programme": programme.name,
            "round_label": item.label,
            "round_year": item.year,
            "offers_count": item.offers,
            "selected_count": item.selected,
            "call_opens_date": item.opens,
            "call_closes_date": item.closes,
            "confidence_code": item.confidence,
            "funding_project_code": item.funding_project,
            "source_url": item.source_url or None,
        }
        for programme in PROGRAMMES
        for item in programme.rounds
    ]


def dotted(day: str) -> str:
    """2016-03-01 as 1.3.2016."""
    year, month, number = day.split("-")
    return f"{int(number)}.{int(month)}.{year}"


def write(target: Path) -> None:
    """Write the workbook."""
    target.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(target), {"strings_to_urls": False, "strings_to_formulas": False})
    book.set_properties(
        {"title": "Agile pilots", "author": "Programme office", "created": datetime(2025, 6, 2, 9, 0, 0)}
    )
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bg_color": "#D9E8F5", "border": 1, "text_wrap": True}),
        "group": book.add_format({"italic": True, "font_color": "#555555"}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "date": book.add_format({"num_format": "d.m.yyyy", "valign": "top"}),
        "money": book.add_format({"num_format": "#,##0.00 [$€-40B]", "valign": "top"}),
        "total": book.add_format({"bold": True, "top": 1, "num_format": "#,##0.00 [$€-40B]"}),
    }
    pilots = book.add_worksheet("Pilots")
    rounds = book.add_worksheet("Rounds")
    notes = book.add_worksheet("Read me")
    _write_pilots(pilots, formats)
    _write_rounds(rounds, formats)
    notes.set_column(0, 0, 90)
    for number, line in enumerate(
        (
            "How we keep this workbook",
            "One row a pilot, one row a round; an id is never used twice.",
            "Themes are codes of the list; a pilot has one main theme and at most one more.",
            "Where only the month is known, write its first or last day and month under Date precision.",
        )
    ):
        notes.write_string(number, 0, line, formats["title"] if number == 0 else formats["text"])
    book.close()


def _write_pilots(sheet: xlsxwriter.worksheet.Worksheet, formats: dict[str, object]) -> None:
    names = list(PILOT_COLUMNS)
    sheet.merge_range(0, 0, 0, 8, "Agile pilots in Helsinki and partner cities", formats["title"])
    sheet.write_string(1, 0, "Kept by the programme office. Sums without VAT.", formats["group"])
    for column, (name, title) in enumerate(PILOT_COLUMNS.items()):
        sheet.write_string(2, column, title, formats["head"])
        sheet.set_column(column, column, WIDE.get(name, 16))
    sheet.freeze_panes(3, 2)
    themes = list(declarations.read_yaml(ROOT / "warehouse" / "reference" / "code_lists.yaml")["themes"]["codes"])
    number, programme, grants = 3, None, 0.0
    for index, row in enumerate(pilot_rows()):
        if row["programme"] != programme and row["programme"] in NOTED:
            sheet.write_string(number, 1, f"- {row['programme']} -", formats["group"])  # a note between the rows
            number += 1
        programme = row["programme"]
        if index in (0, 10):  # who is asked about it: stays in the coordinator's own files
            row |= {"contact_name": "Pilot desk", "contact_email": "pilot.desk@example.org", "": "ask for a photo"}
        for column, name in enumerate(names):
            if row.get(name) is not None:
                _write_pilot_cell(sheet, formats, (number, column), name, str(row[name]), index)
        grants += float(str(row.get("grant_eur") or 0))
        number += 1
    theme, grant = names.index("theme_code"), names.index("grant_eur")
    for column in (theme, theme + 1):
        sheet.data_validation(3, column, number + 200, column, {"validate": "list", "source": themes})
    number += 1  # an empty row
    sheet.write_string(number, 1, "Total", formats["total"])
    letter = chr(ord("A") + grant)
    sheet.write_formula(number, grant, f"=SUM({letter}4:{letter}{number})", formats["total"], grants)


def _write_pilot_cell(
    sheet: xlsxwriter.worksheet.Worksheet,
    formats: dict[str, object],
    place: tuple[int, int],
    name: str,
    value: str,
    index: int,
) -> None:
    """A cell as one of several people would have typed it: which one, the row's index says."""
    if name.endswith("_date") and index % 3:
        sheet.write_datetime(*place, datetime.fromisoformat(value), formats["date"])
    elif name.endswith("_date"):
        sheet.write_string(*place, dotted(value), formats["text"])
    elif name == "grant_eur" and index % 2 == 0:
        sheet.write_number(*place, float(value), formats["money"])
    elif name == "grant_eur":
        sheet.write_string(*place, f"{float(value):,.0f} €".replace(",", "\u00a0"), formats["text"])
    else:
        sheet.write_string(*place, value, formats["text"])


def _write_rounds(sheet: xlsxwriter.worksheet.Worksheet, formats: dict[str, object]) -> None:
    sheet.write_string(0, 0, "Rounds", formats["title"])
    for column, (name, title) in enumerate(ROUND_COLUMNS.items()):
        sheet.write_string(2, column, title, formats["head"])
        sheet.set_column(column, column, WIDE.get(name, 16))
    sheet.freeze_panes(3, 1)
    for number, row in enumerate(round_rows(), start=3):
        for column, name in enumerate(ROUND_COLUMNS):
            value = row[name]
            if value is None:
                continue
            if name.endswith("_date"):
                sheet.write_datetime(number, column, datetime.fromisoformat(str(value)), formats["date"])
            elif isinstance(value, int):
                sheet.write_number(number, column, value, formats["text"])
            else:
                sheet.write_string(number, column, str(value), formats["text"])


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
