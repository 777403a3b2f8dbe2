-- Two roles of the demo database. Run it after shop.sql, and after CREATE EXTENSION nl2sql so that they may ask; again at any time.
--
--   demo_analyst  reads the whole shop, except birth dates and card numbers
--   demo_clerk    reads products, categories and stock only
--
-- They have no password: they can log in where pg_hba.conf lets them in without one, as in the demo's private cluster.

DO $do$
DECLARE
    _role text;
BEGIN
    FOREACH _role IN ARRAY ARRAY['demo_analyst', 'demo_clerk'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = _role) THEN
            EXECUTE format('CREATE ROLE %I', _role);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', _role);
        -- public stays on the path: the function nl2sql() lives there.
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = shop, public', _role, current_database());
        IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'nl2sql_user') THEN
            EXECUTE format('GRANT nl2sql_user TO %I', _role);
        END IF;
    END LOOP;
END
$do$;

REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM demo_analyst, demo_clerk;
GRANT USAGE ON SCHEMA shop TO demo_analyst, demo_clerk;

GRANT SELECT ON shop.regions, shop.employees, shop.addresses, shop.categories, shop.suppliers, shop.products, shop.warehouses,
                shop.inventory, shop.orders, shop.order_items, shop.shipments, shop.returns, shop.reviews TO demo_analyst;
GRANT SELECT (customer_id, full_name, email, phone, segment, region_id, signup_date, newsletter) ON shop.customers TO demo_analyst;
GRANT SELECT (payment_id, order_id, method, amount, payment_date) ON shop.payments TO demo_analyst;

GRANT SELECT ON shop.products, shop.categories, shop.inventory TO demo_clerk;
