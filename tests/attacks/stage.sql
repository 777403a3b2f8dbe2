-- What the attacks are played on. Whatever may never come back has the word "canary" in it.
--   attacker  the role that asks: may write to orders and journal, make objects in schema scratch, read most of the rest
--   planter   owns schema planted, which is on the attacker's search_path, and has laid out code there
create role attacker login in role nl2sql_user;
create role planter;
create schema scratch;
create schema planted authorization planter;
grant create, usage on schema scratch to attacker;
grant usage on schema planted to attacker;

create table orders (id int primary key, customer_id int, amount numeric, note text, name varchar);
insert into orders select g, g, g * 10, 'note ' || g, 'name ' || g from generate_series(1, 20) as g;
create table journal (line text);
insert into journal values ('first');
create view order_view as select * from orders;
create materialized view order_totals as select sum(amount) from orders;
create table parted (id int, note text) partition by list (id);
create table parted_secret partition of parted for values in (1);
create sequence tally;
create type mood as enum ('good', 'bad');
grant select, insert, update, delete on orders, journal, order_view to attacker;
grant select on order_totals, parted to attacker;
grant usage, select, update on sequence tally to attacker;

-- Hidden: a table, a column, rows, a view, and what the catalog says of them.
create table vault (id int primary key, secret text, canarycolumn int);
insert into vault select g, 'canaryvault ' || g, g from generate_series(1, 9) as g;
comment on table vault is 'canarycomment';
comment on column vault.secret is 'canarycomment';
create table customers (id int primary key, name text, email text, card_number text);
insert into customers select g, 'name ' || g, 'mail ' || g, '4canarycard ' || g from generate_series(1, 9) as g;
grant select (id, name, email) on customers to attacker;
create table notes (id int, owner text, body text);
insert into notes values (1, 'attacker', 'mine'), (2, 'postgres', 'canarynote'), (3, 'planter', 'canarynote');
alter table notes enable row level security;
create policy own on notes using (owner = current_user);
grant select on notes to attacker;
create view hidden_view as select secret as canaryview from vault;
create materialized view hidden_totals as select max(secret) as canarytotal from vault;
create view open_vault as select id, secret from vault where id > 100;
create view closed_vault with (security_barrier) as select id, secret from vault where id > 100;
grant select on open_vault, closed_vault to attacker;
create function hidden_logic() returns text language sql as $$ select 'canarysource' $$;
revoke execute on function hidden_logic() from public;
analyze;

-- Functions as an application has them: with the rights of their owner, or careless.
create function bump() returns int volatile security definer language sql
    as $$ insert into public.journal values ('bumped'); select 1 $$;
create function bump_by(step int) returns int volatile security definer language sql
    as $$ insert into public.journal values ('bumped'); select step $$;
create function bump_all(variadic steps int[]) returns int volatile security definer language sql
    as $$ insert into public.journal values ('bumped'); select 1 $$;
create function touch(orders) returns int volatile security definer language sql
    as $$ insert into public.journal values ('touched'); select 1 $$;
create procedure bump_procedure() language sql as $$ insert into public.journal values ('bumped') $$;
create function run_text(words text) returns text volatile language plpgsql
    as $$ begin execute words; return 'done'; end $$;
create function tell(value text) returns boolean volatile cost 0.0000001 language plpgsql
    as $$ begin raise notice 'told %', value; return true; end $$;
create function complain(value text) returns boolean volatile cost 0.0000001 language plpgsql
    as $$ begin raise exception 'complained of %', value; end $$;
select lo_from_bytea(4242, 'canarylarge');

-- The planter's traps: strike() tries whatever its caller may do, and goes on when something fails.
set role planter;
create table planted.loot (line text);
grant insert on planted.loot to public;
create function planted.strike() returns int volatile cost 0.0000001 language plpgsql as $$
declare
    step text;
begin
    foreach step in array array[
        'insert into planted.loot select note from public.orders',
        'insert into public.journal values (''struck'')',
        'delete from public.orders',
        'create temporary table struck (id int)',
        'select pg_notify(''ears'', ''struck'')',
        'select set_config(''role'', ''none'', false)',
        'select set_config(''session_authorization'', ''postgres'', false)',
        'select set_config(''evil.mark'', ''struck'', false)',
        'select set_config(''transaction_read_only'', ''off'', false)',
        'select set_config(''search_path'', ''planted'', false)',
        'select lo_create(6666)',
        'select nextval(''public.tally'')',
        'insert into planted.loot select secret from public.vault'] loop
        begin
            execute step;
        exception when others then
            null;
        end;
    end loop;
    return 1;
end
$$;
create function planted.lower(varchar) returns text language sql as $$ select planted.strike()::text $$;
create function planted.generate_series(varchar, varchar) returns setof int language sql as $$ select planted.strike() $$;
create function planted.equal(varchar, varchar) returns boolean language sql as $$ select planted.strike() = 1 $$;
create function planted.compare(text, text) returns int language sql as $$ select planted.strike() $$;
create operator planted.=== (leftarg = varchar, rightarg = varchar, function = planted.equal);
create operator planted.= (leftarg = varchar, rightarg = varchar, function = planted.equal);
create function planted.check_it(text) returns boolean language sql as $$ select planted.strike() = 1 $$;
create domain planted.checked as text check (planted.check_it(value));
create type planted.coin as enum ('copper', 'gold');
create type planted.weight as (grams int);
create function planted.coin_value(planted.coin) returns numeric language sql as $$ select planted.strike()::numeric $$;
create function planted.coin_weight(planted.coin) returns planted.weight language sql as $$ select row(planted.strike())::planted.weight $$;
create cast (planted.coin as numeric) with function planted.coin_value(planted.coin) as implicit;
create cast (planted.coin as planted.weight) with function planted.coin_weight(planted.coin);
create function planted.add_up(int, int) returns int language sql as $$ select planted.strike() $$;
create aggregate planted.total(int) (sfunc = planted.add_up, stype = int, initcond = '0');
create function planted.add_coin(numeric, planted.coin) returns numeric language sql as $$ select planted.strike()::numeric $$;
create aggregate planted.sum(planted.coin) (sfunc = planted.add_coin, stype = numeric, initcond = '0');
create table planted.bait (id int, name varchar, label text, coin planted.coin);
insert into planted.bait values (1, 'x', 'y', 'gold'), (2, 'z', 'y', 'copper');
create function planted.strike(planted.bait) returns int language sql as $$ select planted.strike() $$;
create view planted.trap as select id, planted.strike() as price from planted.bait;
create view planted.filtered_trap as select id from planted.bait where planted.strike() = 1;
create view planted.window_on_bait as select id, name from planted.bait;
create table planted.policed (id int);
insert into planted.policed values (1);
alter table planted.policed enable row level security;
create policy trap on planted.policed using (planted.strike() = 1);
create table planted.orders (id int, note text);
grant select on planted.bait, planted.trap, planted.filtered_trap, planted.window_on_bait, planted.policed, planted.orders to public;
reset role;

-- Modules that open doors, where this server has them.
do $$
declare
    module text;
begin
    for module in
        select name from pg_available_extensions
        where name in ('dblink', 'tablefunc', 'postgres_fdw', 'pageinspect', 'xml2', 'pgstattuple', 'pg_prewarm', 'lo')
    loop
        execute format('create extension if not exists %I', module);
    end loop;
end
$$;
