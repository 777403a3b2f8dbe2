-- The bank whose columns tests/attacks/test_masking.py tries to see.
create role bank; create role desk login;
create role spy login in role nl2sql_user;
create role policy_admin in role nl2sql_admin;
create schema bank authorization bank;
create schema lair authorization spy;
grant usage on schema bank to spy, desk, policy_admin;
set role bank;
create table bank.branch (id int primary key, login name);
create table bank.client (
    id int primary key, owner name, name text, email varchar(60) unique, card text, salary numeric(10, 2), born date,
    city text, note text
);
create table bank.account (number int primary key, client_id int references bank.client, email varchar(60), amount numeric);
insert into bank.client values
    (1, 'spy', 'Zebra Alpha', 'zebra@corp.example', '4111111111111111', 51234.5, '1980-02-03', 'Rome', 'first'),
    (2, 'spy', 'Quokka Beta', 'quokka@corp.example', '5500005555555559', 98765.4, '1991-07-09', 'Paris', 'second'),
    (3, 'desk', 'Hidden-row Gamma', 'hidden-row@corp.example', '4111111111111111', 51234.5, '1980-02-03', 'Hidden-row', 'hidden-row');
insert into bank.account values (10, 1, 'zebra@corp.example', 5), (20, 2, 'quokka@corp.example', 7);
alter table bank.client enable row level security;
create policy own_clients on bank.client for select using (owner = current_user);
create view bank.plain as select id, email from bank.client;
create view bank.over as select * from bank.plain;
create view bank.row_of as select id, c as whole from bank.client as c;
create materialized view bank.kept as select id, email from bank.client;
create table bank.event (id int, day date, email text) partition by range (day);
create table bank.event_1 partition of bank.event for values from ('2026-01-01') to ('2026-07-01');
insert into bank.event values (1, '2026-02-01', 'zebra@corp.example');
create table bank.child () inherits (bank.account);
insert into bank.child values (30, 1, 'zebra@corp.example', 1);
create statistics bank.client_stats (mcv) on city, email from bank.client;
grant select on all tables in schema bank to spy, desk;
grant references, trigger on bank.client to spy;
grant select (id, email) on bank.event_1 to spy;
reset role;
analyze;
create function lair.tell(text) returns boolean language plpgsql cost 0.0000001 as
    $$begin raise notice 'told %', $1; return true; end$$;
alter function lair.tell(text) owner to spy;
create table lair.nothing (id int);
alter table lair.nothing owner to spy;
set role policy_admin;
select nl2sql.mask('bank.client', 'name', 'null');
select nl2sql.mask('bank.client', 'email', 'hash');
select nl2sql.mask('bank.client', 'card', 'card');
select nl2sql.mask('bank.client', 'salary', 'number(10000)');
select nl2sql.mask('bank.client', 'born', 'date(''year'')');
select nl2sql.mask('bank.account', 'email', 'hash');
select nl2sql.mask('bank.event', 'email', 'hash');
reset role;
