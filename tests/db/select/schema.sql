-- What the statements beside this file read: columns of every type, few rows, nothing that changes.
create schema ware;
set search_path = ware, public;
create extension if not exists citext schema public;
create extension if not exists cube schema public;
create extension if not exists fuzzystrmatch schema public;
create extension if not exists hstore schema public;
create extension if not exists intarray schema public;
create extension if not exists ltree schema public;
create extension if not exists unaccent schema public;

create type mood as enum ('sad', 'fine', 'happy');
create type dims as (width int, height int, label text);
create domain stars as int check (value between 1 and 5);

create table item (
    id int primary key, name text not null, price numeric(10, 2), weight real, volume float8, qty smallint, big bigint,
    cost money, code char(4), tag varchar(10), kind "char", raw bytea, made date, at timestamptz, local timestamp(3),
    clock time, clockz timetz, span interval, ok boolean, feeling mood, size dims, rating stars, uid uuid,
    doc json, data jsonb, words text[], nums int[], grid int[][], bits bit(4), vbits bit varying(8)
);
insert into item values
    (1, 'garden chair', 49.90, 3.5, 0.25, 4, 9000000001, '12.50', 'GC01', 'wood', 'a', '\x00ff10', '2026-01-31',
     '2026-01-31 22:30+00', '2026-01-31 22:30:15.5', '08:15', '08:15+02', '1 day 03:45', true, 'happy', '(40,90,tall)', 5,
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1, "b": [1, 2], "a": 2}', '{"k": "v", "n": 3, "list": [1, 2, 3], "o": {"x": null}}',
     '{wood,oak}', '{3,1,2}', '{{1,2},{3,4}}', '1010', '110'),
    (2, 'Garden table', 149.00, 12.25, 1.5, -3, -5, '-3.10', 'GT', 'steel', 'b', '\x', '2024-02-29',
     '2026-03-29 01:30+00', '2024-02-29 00:00', '23:59:59.999', '23:59:59-05:30', '-1 month 2 days', false, 'sad', '(120,,)', 3,
     'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '[1, "two", null]', '{"k": "w", "n": 1, "list": []}',
     '{steel}', '{}', null, '0001', ''),
    (3, 'lämp', 19.99, 0.75, 'NaN', null, null, null, null, null, null, null, '1999-12-31',
     '1999-12-31 23:59:59+00', '1999-12-31 23:59:59', null, null, 'P1Y2M3DT4H5M6S', null, 'fine', '(,,)', 1, null, 'null', '[10, {"k": "z"}]',
     '{NULL,oak}', '{7,NULL,9}', '{{5,6}}', '1111', '10101010'),
    (4, 'a%b_c\d', null, null, '-Infinity', 0, 0, '0', '', '', '', '\x6162', null, null, null, '00:00', '00:00+00', null, null, null, null, null,
     null, null, '"plain"', null, null, null, null, null);

create table place (
    id int primary key, ip inet, net cidr, mac macaddr, mac8 macaddr8, spot point, edge lseg, ruler line, area box, way path,
    shape polygon, ring circle, r int4range, rd daterange, rn numrange, rm int4multirange, ts tsvector, tq tsquery, emb vector(3)
);
insert into place values
    (1, '10.0.0.5/24', '10.0.0.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(0,0)', '[(0,0),(3,4)]', '{1,-1,0}', '(2,2),(0,0)',
     '[(0,0),(1,1),(2,0)]', '((0,0),(0,2),(2,2),(2,0))', '<(0,0),2>', '[1,5)', '[2026-01-01,2026-02-01)', '(0.5,1.5]',
     '{[1,3),[5,9)}', to_tsvector('english', 'the fat cats sat on a mat'), 'fat & cat', '[1,0,0]'),
    (2, '192.168.1.7', '192.168.0.0/16', 'ff:ff:ff:00:00:01', 'ff:ff:ff:00:00:01:00:02', '(3,4)', '[(1,0),(1,5)]', '{0,1,-2}', '(5,5),(3,3)',
     '((0,0),(4,0),(4,3))', '((3,3),(3,5),(5,5))', '<(3,4),1>', '[5,9)', '[2026-02-01,)', 'empty',
     '{}', to_tsvector('english', 'a rat ate the rats'), 'rat | !cat', '[0.6,0.8,0]'),
    (3, '::1/128', '2001:db8::/32', null, null, '(1,1)', null, null, null, null, null, null, '(,3)', 'empty', '[1,)', '{(,)}', null, null, '[0,0.5,1]');

create table sale (id int primary key, item_id int references item, sold date, qty int, amount numeric, city text, channel text);
insert into sale values
    (1, 1, '2026-01-05', 2, 99.80, 'Köln', 'web'), (2, 1, '2026-01-20', 1, 49.90, 'Bonn', 'shop'),
    (3, 2, '2026-02-03', 1, 149.00, 'Köln', 'web'), (4, 2, '2026-02-03', 4, 580.00, 'Aachen', null),
    (5, 3, '2026-03-15', 10, 180.00, null, 'web'), (6, null, '2026-03-31', 3, 0.00, 'Bonn', 'shop'),
    (7, 1, null, 1, null, 'Köln', 'shop');

create table part (id int primary key, parent int, name text);
insert into part values (1, null, 'bike'), (2, 1, 'wheel'), (3, 2, 'rim'), (4, 2, 'spoke'), (5, 1, 'frame'), (6, 3, 'tape');
create table edge (a int, b int);
insert into edge values (1, 2), (2, 3), (3, 1), (3, 4);
create table a (id int primary key, x float8, v text);
create table b (id int primary key, y float8, v text);
insert into a values (1, 1.005, 'p'), (2, 2.675, 'q'), (3, -1, null);
insert into b values (1, 10, 'p'), (3, 30, 'r'), (4, 0, null);
create table "Odd Names" ("Id" int, "select" text, "a.b" text, "Größe" int);
insert into "Odd Names" values (1, 'x', 'y', 2);
create view cheap as select id, name, price from item where price < 100;
create table more (id int, email citext, attrs hstore, tree ltree, at3 cube, half halfvec(3), sparse sparsevec(4));
insert into more values
    (1, 'Bob@Corp.com', 'a=>1,b=>NULL', 'Top.Science.Astronomy', '(1,2,3)', '[1,2,3]', '{1:1,3:2}/4'),
    (2, 'amy@corp.com', 'a=>2', 'Top.Hobbies', '(0,0,0),(1,1,1)', '[0,0,1]', '{2:5}/4');

grant usage on schema ware to ware_reader;
grant select on all tables in schema ware to ware_reader;
