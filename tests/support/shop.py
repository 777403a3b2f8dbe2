"""The demo shop as the extension describes it (nl2sql._describe), with a few tables of odd names, types and places."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from sidecar.api.schemas import ScopeBody
from sidecar.guard.scope import Scope

SEARCH_PATH = ["shop", "public"]

# What shop_scope.json has besides sql/demo/shop.sql.
EXTRA_TABLES = """
create table public."Order Notes" (
    "Id" int primary key, "Order Id" int not null references shop.orders, "Text" text,
    tags text[], payload jsonb, search tsvector, valid daterange);
insert into public."Order Notes" values
    (1, 1, 'a note', '{late,vip}', '{"source": "web", "urgent": true, "tags": ["x"], "items": [{"price": 3}]}',
     to_tsvector('late delivery'), daterange('2020-01-01', '2990-01-01'));
create schema hr;
create table hr.people (id int primary key, full_name text, salary numeric(10,2));
create table hr.orders (id int primary key, note text);
create table public.makers (maker_no int primary key, maker_title text);
create table public.part_list (part_no int primary key, part_label text);
create table public.part_offers (
    part_no int references public.part_list, maker_no int references public.makers, offer_cost numeric, lead_days int,
    primary key (part_no, maker_no));
create table public.consignments (
    consignment_no int primary key, part_no int not null, maker_no int not null, pieces int,
    foreign key (part_no, maker_no) references public.part_offers);
create table public.maker_letters (
    letter_no int primary key, sender_no int not null references public.makers,
    recipient_no int not null references public.makers, sent_day date);
create type hr.rank as enum ('low', 'medium', 'high', 'critical');
create type hr.vehicle as enum ('TRUCK', 'VAN', 'BUS');
create collation hr.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create table hr.readings (
    id int primary key, raised_ms bigint, seen_s bigint, born int, bill_month int, paid_month text, day_text text,
    happened timestamptz, rank hr.rank, kind hr.vehicle, email text collate hr.any_case, fee money,
    open_during tstzrange, booked daterange, labels text[], spec jsonb);
insert into hr.people values (1, 'x', 10);
insert into hr.orders values (1, 'n');
"""


@cache
def shop_body() -> dict[str, Any]:
    """The scope as it travels in a request."""
    tables = json.loads(Path(__file__).with_name("shop_scope.json").read_text(encoding="utf-8"))
    return {"search_path": SEARCH_PATH, "tables": tables}


@cache
def shop_scope() -> Scope:
    return ScopeBody.model_validate(shop_body()).typed()


def statements(path: Path) -> list[str]:
    """Lines of a fixture file, without comments and empty ones."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
