-- The demo database: an online shop in schema "shop". Run it again at any time; it replaces the schema.
--
--   psql -v ON_ERROR_STOP=1 -1 -f shop.sql
--
-- The same rows come out of every run: each random-looking value is a hash of a name and a row number, never random(),
-- so neither the plan nor the server's version changes them. Dates count back from one end date, which is today unless
-- `SET shop.end_date = '2026-06-30'` was run before in the same session; so "last quarter" always finds rows.
-- E-mail addresses, phone and card numbers are made up: reserved domains, card numbers of test ranges.

DROP SCHEMA IF EXISTS shop CASCADE;
CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'Online shop: customers, products, orders, payments, shipments, returns and reviews. All amounts in EUR.';

DO $do$
BEGIN
    -- Fixed once, so that a load that runs over midnight stays consistent.
    PERFORM set_config('shop.end_date',
                       coalesce(nullif(current_setting('shop.end_date', true), ''), current_date::text)::date::text, false);
END
$do$;

-- Helpers, dropped at the end ------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION pg_temp.end_date() RETURNS date LANGUAGE sql STABLE
AS $$ SELECT current_setting('shop.end_date')::date $$;

-- A number in [0, 1) that depends on nothing but its arguments.
CREATE OR REPLACE FUNCTION pg_temp.u(seed text, n bigint) RETURNS double precision LANGUAGE sql IMMUTABLE
AS $$ SELECT ('x' || left(md5(seed || ':' || n), 8))::bit(32)::bigint / 4294967296.0::double precision $$;

-- The choice that u() makes among the elements of an array.
CREATE OR REPLACE FUNCTION pg_temp.pick(seed text, n bigint, choices text[]) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT choices[1 + floor(pg_temp.u(seed, n) * cardinality(choices))::int] $$;

-- Fifteen digits and their Luhn check digit.
CREATE OR REPLACE FUNCTION pg_temp.with_check_digit(digits text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$
    SELECT digits || (10 - sum(CASE WHEN i % 2 = 0 THEN d ELSE d * 2 - CASE WHEN d > 4 THEN 9 ELSE 0 END END) % 10) % 10
    FROM (SELECT i, substr(digits, i, 1)::int AS d FROM generate_series(1, length(digits)) AS i) AS digit
$$;

-- Types and tables -----------------------------------------------------------------------------------------------------

CREATE TYPE shop.address_kind AS ENUM ('billing', 'shipping');
CREATE TYPE shop.order_status AS ENUM ('pending', 'paid', 'shipped', 'delivered', 'cancelled');
CREATE TYPE shop.payment_method AS ENUM ('card', 'paypal', 'bank_transfer', 'alipay', 'wechat_pay');

CREATE TABLE shop.regions (
    region_id   integer PRIMARY KEY,
    region_name text NOT NULL UNIQUE,
    currency    char(3) NOT NULL DEFAULT 'EUR'
);

CREATE TABLE shop.employees (
    employee_id integer PRIMARY KEY,
    full_name   text NOT NULL,
    email       text NOT NULL UNIQUE,
    job_title   text NOT NULL CHECK (job_title IN ('director', 'region manager', 'sales agent')),
    region_id   integer REFERENCES shop.regions,
    manager_id  integer REFERENCES shop.employees,
    hire_date   date NOT NULL
);

CREATE TABLE shop.customers (
    customer_id integer PRIMARY KEY,
    full_name   text NOT NULL,
    email       text NOT NULL UNIQUE,
    phone       text,
    birth_date  date,
    segment     text NOT NULL CHECK (segment IN ('consumer', 'business')),
    region_id   integer NOT NULL REFERENCES shop.regions,
    signup_date date NOT NULL,
    newsletter  boolean NOT NULL
);

CREATE TABLE shop.addresses (
    address_id   integer PRIMARY KEY,
    customer_id  integer NOT NULL REFERENCES shop.customers,
    kind         shop.address_kind NOT NULL,
    street       text NOT NULL,
    city         text NOT NULL,
    postal_code  text NOT NULL,
    country_code char(2) NOT NULL
);

CREATE TABLE shop.categories (
    category_id        integer PRIMARY KEY,
    category_name      text NOT NULL UNIQUE,
    parent_category_id integer REFERENCES shop.categories
);

CREATE TABLE shop.suppliers (
    supplier_id   integer PRIMARY KEY,
    supplier_name text NOT NULL UNIQUE,
    country_code  char(2) NOT NULL,
    contact_email text NOT NULL
);

CREATE TABLE shop.products (
    product_id   integer PRIMARY KEY,
    product_name text NOT NULL UNIQUE,
    sku          text NOT NULL UNIQUE,
    category_id  integer NOT NULL REFERENCES shop.categories,
    supplier_id  integer NOT NULL REFERENCES shop.suppliers,
    price        numeric(12,2) NOT NULL CHECK (price > 0),
    cost         numeric(12,2) NOT NULL CHECK (cost > 0),
    discontinued boolean NOT NULL DEFAULT false
);

CREATE TABLE shop.warehouses (
    warehouse_id   integer PRIMARY KEY,
    warehouse_name text NOT NULL UNIQUE,
    city           text NOT NULL,
    region_id      integer NOT NULL REFERENCES shop.regions
);

CREATE TABLE shop.inventory (
    warehouse_id  integer NOT NULL REFERENCES shop.warehouses,
    product_id    integer NOT NULL REFERENCES shop.products,
    quantity      integer NOT NULL CHECK (quantity >= 0),
    reorder_level integer NOT NULL CHECK (reorder_level >= 0),
    PRIMARY KEY (warehouse_id, product_id)
);

CREATE TABLE shop.orders (
    order_id            integer PRIMARY KEY,
    customer_id         integer NOT NULL REFERENCES shop.customers,
    region_id           integer NOT NULL REFERENCES shop.regions,
    order_date          date NOT NULL,
    status              shop.order_status NOT NULL,
    channel             text NOT NULL CHECK (channel IN ('web', 'app', 'phone')),
    total_amount        numeric(12,2) NOT NULL DEFAULT 0 CHECK (total_amount >= 0),
    shipping_address_id integer NOT NULL REFERENCES shop.addresses,
    employee_id         integer REFERENCES shop.employees
);

CREATE TABLE shop.order_items (
    order_item_id    integer PRIMARY KEY,
    order_id         integer NOT NULL REFERENCES shop.orders,
    product_id       integer NOT NULL REFERENCES shop.products,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price       numeric(12,2) NOT NULL CHECK (unit_price > 0),
    discount_percent integer NOT NULL DEFAULT 0 CHECK (discount_percent BETWEEN 0 AND 50),
    line_total       numeric(12,2) GENERATED ALWAYS AS (round(quantity * unit_price * (100 - discount_percent) / 100, 2)) STORED,
    UNIQUE (order_id, product_id)
);

CREATE TABLE shop.payments (
    payment_id   integer PRIMARY KEY,
    order_id     integer NOT NULL UNIQUE REFERENCES shop.orders,
    method       shop.payment_method NOT NULL,
    amount       numeric(12,2) NOT NULL CHECK (amount >= 0),
    payment_date date NOT NULL,
    card_number  text CHECK ((card_number IS NOT NULL) = (method = 'card'))
);

CREATE TABLE shop.shipments (
    shipment_id    integer PRIMARY KEY,
    order_id       integer NOT NULL UNIQUE REFERENCES shop.orders,
    warehouse_id   integer NOT NULL REFERENCES shop.warehouses,
    carrier        text NOT NULL CHECK (carrier IN ('DHL', 'UPS', 'GLS', 'SF Express')),
    shipped_date   date NOT NULL,
    delivered_date date CHECK (delivered_date >= shipped_date)
);

CREATE TABLE shop.returns (
    return_id     integer PRIMARY KEY,
    order_item_id integer NOT NULL UNIQUE REFERENCES shop.order_items,
    return_date   date NOT NULL,
    reason        text CHECK (reason IN ('damaged', 'wrong item', 'not as described', 'changed mind', 'late delivery')),
    refund_amount numeric(12,2) NOT NULL CHECK (refund_amount >= 0)
);

CREATE TABLE shop.reviews (
    review_id   integer PRIMARY KEY,
    product_id  integer NOT NULL REFERENCES shop.products,
    customer_id integer NOT NULL REFERENCES shop.customers,
    rating      integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
    review_date date NOT NULL,
    review_text text
);

-- What the tables and columns mean -------------------------------------------------------------------------------------

COMMENT ON TABLE shop.regions IS 'sales regions (地区)';
COMMENT ON COLUMN shop.regions.region_name IS 'name of the region, such as Nordics or Greater China';

COMMENT ON TABLE shop.employees IS 'staff (员工) of the shop';
COMMENT ON COLUMN shop.employees.full_name IS 'name of the employee';
COMMENT ON COLUMN shop.employees.job_title IS 'position (职位)';
COMMENT ON COLUMN shop.employees.manager_id IS 'the employee this one reports to; null for the director';

COMMENT ON TABLE shop.customers IS 'customers (客户), persons and companies';
COMMENT ON COLUMN shop.customers.full_name IS 'name (姓名) of the customer';
COMMENT ON COLUMN shop.customers.email IS 'e-mail address, personal data';
COMMENT ON COLUMN shop.customers.phone IS 'phone number, personal data; null if not given';
COMMENT ON COLUMN shop.customers.birth_date IS 'date of birth, personal data; null for companies';
COMMENT ON COLUMN shop.customers.region_id IS 'sales region the customer belongs to';
COMMENT ON COLUMN shop.customers.signup_date IS 'day the customer registered (注册日期)';
COMMENT ON COLUMN shop.customers.newsletter IS 'true if the customer gets the newsletter';

COMMENT ON TABLE shop.addresses IS 'addresses (地址) of customers';
COMMENT ON COLUMN shop.addresses.country_code IS 'ISO 3166 code, such as DE or CN';

COMMENT ON TABLE shop.categories IS 'product categories (商品类别), a tree of two levels';
COMMENT ON COLUMN shop.categories.parent_category_id IS 'the main category; null for main categories';

COMMENT ON TABLE shop.suppliers IS 'suppliers (供应商) of products';

COMMENT ON TABLE shop.products IS 'products (商品) on sale';
COMMENT ON COLUMN shop.products.product_name IS 'name of the product (商品名称)';
COMMENT ON COLUMN shop.products.sku IS 'stock keeping unit, the article number (货号)';
COMMENT ON COLUMN shop.products.category_id IS 'category of the second level';
COMMENT ON COLUMN shop.products.price IS 'list price today (价格), EUR';
COMMENT ON COLUMN shop.products.cost IS 'purchase cost of one piece, EUR';
COMMENT ON COLUMN shop.products.discontinued IS 'true if no longer sold';

COMMENT ON TABLE shop.warehouses IS 'warehouses (仓库)';
COMMENT ON COLUMN shop.warehouses.warehouse_name IS 'name of the warehouse (仓库名称)';

COMMENT ON TABLE shop.inventory IS 'stock (库存) of each product in each warehouse';
COMMENT ON COLUMN shop.inventory.quantity IS 'pieces in stock (库存数量)';
COMMENT ON COLUMN shop.inventory.reorder_level IS 'reorder level (补货点): below this quantity the product is ordered again';

COMMENT ON TABLE shop.orders IS 'orders (订单); revenue (销售额) is sum(total_amount)';
COMMENT ON COLUMN shop.orders.region_id IS 'sales region the order counts for, that of the customer';
COMMENT ON COLUMN shop.orders.order_date IS 'day the order was placed (下单日期)';
COMMENT ON COLUMN shop.orders.status IS 'state of the order (订单状态)';
COMMENT ON COLUMN shop.orders.channel IS 'sales channel (销售渠道)';
COMMENT ON COLUMN shop.orders.total_amount IS 'amount charged for the order, EUR, the revenue of the order; 0 if it was cancelled';
COMMENT ON COLUMN shop.orders.employee_id IS 'sales agent who took the order; null unless ordered by phone';

COMMENT ON TABLE shop.order_items IS 'order lines (订单明细): products of each order';
COMMENT ON COLUMN shop.order_items.quantity IS 'pieces sold (销量)';
COMMENT ON COLUMN shop.order_items.unit_price IS 'price of one piece on the day of the order, EUR';
COMMENT ON COLUMN shop.order_items.discount_percent IS 'discount on the line, percent';
COMMENT ON COLUMN shop.order_items.line_total IS 'quantity times unit price less discount, EUR';

COMMENT ON TABLE shop.payments IS 'payments (付款) received, at most one for an order; none for cancelled orders';
COMMENT ON COLUMN shop.payments.method IS 'payment method (支付方式)';
COMMENT ON COLUMN shop.payments.amount IS 'amount paid (付款金额), EUR';
COMMENT ON COLUMN shop.payments.payment_date IS 'day the payment arrived (付款日期)';
COMMENT ON COLUMN shop.payments.card_number IS 'number of the card, secret; null for other methods';

COMMENT ON TABLE shop.shipments IS 'shipments (发货) of orders';
COMMENT ON COLUMN shop.shipments.delivered_date IS 'day of delivery; null while under way';

COMMENT ON TABLE shop.returns IS 'returned order lines (退货)';
COMMENT ON COLUMN shop.returns.reason IS 'reason given (退货原因); null if none';
COMMENT ON COLUMN shop.returns.refund_amount IS 'amount paid back, EUR';

COMMENT ON TABLE shop.reviews IS 'product reviews (评价) by customers';
COMMENT ON COLUMN shop.reviews.rating IS 'stars from 1 (worst) to 5 (best) (评分)';
COMMENT ON COLUMN shop.reviews.review_text IS 'what the customer wrote; null if only stars were given';

-- Master data ----------------------------------------------------------------------------------------------------------

INSERT INTO shop.regions (region_id, region_name) VALUES
    (1, 'DACH'), (2, 'Nordics'), (3, 'Benelux'), (4, 'France'), (5, 'Iberia'), (6, 'Greater China');

INSERT INTO shop.categories (category_id, category_name, parent_category_id) VALUES
    (1, 'Home', NULL), (2, 'Electronics', NULL), (3, 'Sports', NULL), (4, 'Books and Media', NULL), (5, 'Clothing', NULL),
    (6, 'Lamps', 1), (7, 'Kitchenware', 1), (8, 'Furniture', 1), (9, 'Bedding', 1),
    (10, 'Headphones', 2), (11, 'Cameras', 2), (12, 'Keyboards', 2), (13, 'Monitors', 2),
    (14, 'Bicycles', 3), (15, 'Camping Gear', 3), (16, 'Fitness Equipment', 3),
    (17, 'Novels', 4), (18, 'Board Games', 4),
    (19, 'Jackets', 5), (20, 'Shoes', 5);

INSERT INTO shop.suppliers (supplier_id, supplier_name, country_code, contact_email)
SELECT n, name, country, 'sales@' || lower(split_part(name, ' ', 1)) || '.example.com'
FROM (VALUES
    (1, 'Alpenrad Works', 'AT'), (2, 'Brightline Lighting', 'NL'), (3, 'Cantabria Textil', 'ES'), (4, 'Dongfang Electronics', 'CN'),
    (5, 'Elbe Optics', 'DE'), (6, 'Fjord Outdoor', 'NO'), (7, 'Garonne Maison', 'FR'), (8, 'Hongsheng Audio', 'CN'),
    (9, 'Ijssel Printing', 'NL'), (10, 'Jura Furniture', 'CH'), (11, 'Karlstad Fitness', 'SE'), (12, 'Lisboa Calcado', 'PT')
) AS supplier (n, name, country);

INSERT INTO shop.warehouses (warehouse_id, warehouse_name, city, region_id) VALUES
    (1, 'Leipzig Hub', 'Leipzig', 1), (2, 'Malmo North', 'Malmo', 2), (3, 'Lyon Sud', 'Lyon', 4), (4, 'Shanghai Pudong', 'Shanghai', 6);

-- 240 products: sixteen model names in each of fifteen categories.
INSERT INTO shop.products (product_id, product_name, sku, category_id, supplier_id, price, cost, discontinued)
SELECT n, model || ' ' || noun, 'SKU-' || lpad((n * 7919 % 100000)::text, 5, '0'), category_id, supplier_id, price,
       round(price * (0.45 + 0.25 * pg_temp.u('product cost', n))::numeric, 2), pg_temp.u('product discontinued', n) < 0.06
FROM (
    SELECT row_number() OVER (ORDER BY category_id, m)::int AS n, model, noun, category_id, supplier_id,
           round((base * (0.6 + 1.3 * pg_temp.u('product price', category_id * 100 + m)))::numeric) - 0.05 AS price
    FROM (VALUES
        (6, 'Lamp', 2, 60), (7, 'Saucepan', 7, 45), (8, 'Chair', 10, 140), (9, 'Duvet', 3, 80), (10, 'Headphones', 8, 120),
        (11, 'Camera', 5, 420), (12, 'Keyboard', 4, 75), (13, 'Monitor', 4, 260), (14, 'Bicycle', 1, 780), (15, 'Tent', 6, 190),
        (16, 'Rowing Machine', 11, 350), (17, 'Trilogy', 9, 28), (18, 'Board Game', 9, 36), (19, 'Jacket', 3, 110), (20, 'Shoes', 12, 85)
    ) AS line (category_id, noun, supplier_id, base)
    CROSS JOIN unnest(ARRAY['Aurora', 'Borealis', 'Cobalt', 'Delta', 'Ember', 'Falcon', 'Granite', 'Horizon', 'Indigo', 'Juniper',
                            'Kestrel', 'Lumen', 'Meridian', 'Nimbus', 'Orchid', 'Pioneer']) WITH ORDINALITY AS model (model, m)
) AS product;

INSERT INTO shop.inventory (warehouse_id, product_id, quantity, reorder_level)
SELECT warehouse_id, product_id, floor(power(pg_temp.u('stock', key), 1.5) * 400)::int, 5 * (1 + floor(pg_temp.u('reorder level', key) * 5))::int
FROM (SELECT warehouse_id, product_id, warehouse_id * 1000 + product_id AS key FROM shop.warehouses CROSS JOIN shop.products) AS place
WHERE pg_temp.u('stocked', key) < 0.85;

INSERT INTO shop.employees (employee_id, full_name, email, job_title, region_id, manager_id, hire_date)
SELECT n, name, lower(replace(name, ' ', '.')) || '@shop.example.com',
       CASE WHEN n = 1 THEN 'director' WHEN n <= 7 THEN 'region manager' ELSE 'sales agent' END,
       CASE WHEN n > 1 THEN (n - 2) % 6 + 1 END,
       CASE WHEN n > 7 THEN (n - 2) % 6 + 2 WHEN n > 1 THEN 1 END,
       pg_temp.end_date() - 1000 - floor(pg_temp.u('hired', n) * 2500)::int
FROM unnest(ARRAY[
    'Helena Brandt', 'Jonas Keller', 'Astrid Lindqvist', 'Pieter de Vries', 'Camille Laurent', 'Marta Ribeiro', 'Zhang Min',
    'Felix Wagner', 'Ingrid Solheim', 'Anouk Jansen', 'Hugo Moreau', 'Diego Navarro', 'Li Qiang', 'Lukas Steiner', 'Mikko Virtanen',
    'Bram Peeters', 'Chloe Girard', 'Ines Carvalho', 'Chen Jing', 'Theresa Vogel', 'Freja Nielsen', 'Sanne Bakker', 'Antoine Roux',
    'Pablo Ortega', 'Wang Fang', 'Moritz Huber', 'Eirik Dahl', 'Lotte Claes', 'Manon Faure', 'Rui Teixeira', 'Liu Yang'
]) WITH ORDINALITY AS person (name, n);

-- The spine of all orders: 40 000 numbers, in the order of their dates ----------------------------------------------------
-- The weight of a day is its season, its weekday, the growth of the shop and some noise; integers, so that nothing rounds.

CREATE TEMPORARY TABLE spine AS
WITH day AS (
    SELECT n, pg_temp.end_date() - 912 + n AS order_date,
           (ARRAY[90, 80, 90, 95, 100, 100, 85, 80, 105, 115, 160, 175])[extract(month FROM pg_temp.end_date() - 912 + n)::int]
           * (ARRAY[105, 100, 95, 95, 100, 120, 130])[extract(isodow FROM pg_temp.end_date() - 912 + n)::int]
           * (700 + n)::bigint * (80 + floor(pg_temp.u('day', n) * 40)::int) / 1000 AS weight
    FROM generate_series(0, 912) AS n
), running AS (
    SELECT n, order_date, weight, sum(weight) OVER (ORDER BY n) AS upto, sum(weight) OVER () AS total FROM day
), numbered AS (
    SELECT order_date, order_id
    FROM running CROSS JOIN LATERAL generate_series(floor((upto - weight) * 40000 / total)::int + 1, floor(upto * 40000 / total)::int) AS order_id
), placed AS (
    -- A customer's number is its order of arrival: the early half buys from the start, and the lower numbers buy more.
    SELECT order_id, order_date,
           1 + floor((1150 + 1150 * order_id / 40000.0) * power(pg_temp.u('buyer', order_id), 1.4))::int AS arrival
    FROM numbered
)
SELECT order_id, order_date, CASE WHEN arrival <= 1150 THEN arrival * 557 % 1150 + 1 ELSE arrival END AS customer_id,
       -- Orders come in pairs that have five lines together: 100 000 lines exactly.
       CASE WHEN order_id % 2 = 1 THEN half ELSE 5 - half END AS lines
FROM placed CROSS JOIN LATERAL (SELECT 1 + floor(pg_temp.u('order lines', (order_id - 1) / 2) * 4)::int AS half) AS pair;

-- People ---------------------------------------------------------------------------------------------------------------
-- 2500 customers, of whom those above 2300 never ordered. Names do not repeat: the number is spread over all pairs of first and
-- last name by a multiplication that is a permutation.

CREATE TEMPORARY TABLE person AS
WITH pool AS (
    SELECT ARRAY['Anna', 'Ben', 'Clara', 'David', 'Emil', 'Frida', 'Georg', 'Hanna', 'Ida', 'Jan', 'Karin', 'Leon', 'Maria', 'Nils',
                 'Olivia', 'Paul', 'Rosa', 'Simon', 'Tilda', 'Ulrich', 'Vera', 'Wim', 'Yann', 'Zoe', 'Alba', 'Bruno', 'Carmen', 'Denis',
                 'Elise', 'Fabio', 'Gloria', 'Hector', 'Iris', 'Joris', 'Klara', 'Luis', 'Mila', 'Noah', 'Oscar', 'Pilar'] AS first,
           ARRAY['Ahlberg', 'Becker', 'Carlsson', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Hofmann', 'Iversen', 'Jacobs', 'Kruger',
                 'Lopez', 'Maier', 'Nowak', 'Olsen', 'Petit', 'Quist', 'Richter', 'Silva', 'Thomas', 'Urban', 'Verhoeven', 'Weber',
                 'Zimmer', 'Almeida', 'Bernard', 'Costa', 'Dekker', 'Engel', 'Fontaine', 'Gomez', 'Hansen', 'Janssens', 'Koch',
                 'Lefebvre', 'Mendes', 'Nygaard', 'Ortiz', 'Pereira', 'Ramos', 'Schmidt', 'Torres', 'Vidal', 'Wolf', 'Blanc', 'Meyer',
                 'Lund', 'Peters', 'Santos', 'Brun', 'Klein', 'Haas', 'Roos', 'Berg', 'Faber', 'Lang', 'Sommer', 'Winter', 'Stein',
                 'Holm'] AS last,
           ARRAY['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴', '徐', '孙', '胡', '朱', '高', '林', '何', '郭', '马', '罗'] AS family,
           ARRAY['wang', 'li', 'zhang', 'liu', 'chen', 'yang', 'zhao', 'huang', 'zhou', 'wu', 'xu', 'sun', 'hu', 'zhu', 'gao', 'lin', 'he',
                 'guo', 'ma', 'luo'] AS family_latin,
           ARRAY['伟', '芳', '娜', '敏', '静', '丽', '强', '磊', '军', '洋', '勇', '艳', '杰', '娟', '涛', '明', '超', '霞', '平', '刚', '桂英', '志强',
                 '秀兰', '建国', '晓明', '雪梅', '文博', '佳怡', '子涵', '浩然', '欣怡', '宇航', '梓萱', '俊杰', '思远', '雨桐', '嘉豪', '诗涵', '天宇', '若曦'] AS given,
           ARRAY['wei', 'fang', 'na', 'min', 'jing', 'li', 'qiang', 'lei', 'jun', 'yang', 'yong', 'yan', 'jie', 'juan', 'tao', 'ming', 'chao',
                 'xia', 'ping', 'gang', 'guiying', 'zhiqiang', 'xiulan', 'jianguo', 'xiaoming', 'xuemei', 'wenbo', 'jiayi', 'zihan',
                 'haoran', 'xinyi', 'yuhang', 'zixuan', 'junjie', 'siyuan', 'yutong', 'jiahao', 'shihan', 'tianyu', 'ruoxi'] AS given_latin
), placed AS (
    SELECT n, CASE WHEN r < 0.34 THEN 1 WHEN r < 0.50 THEN 2 WHEN r < 0.63 THEN 3 WHEN r < 0.78 THEN 4 WHEN r < 0.86 THEN 5 ELSE 6 END AS region_id
    FROM generate_series(1, 2500) AS n CROSS JOIN LATERAL (SELECT pg_temp.u('customer region', n) AS r) AS chance
), counted AS (
    SELECT n, region_id, row_number() OVER (PARTITION BY region_id = 6 ORDER BY n)::int AS k FROM placed
)
SELECT n, region_id,
       CASE WHEN region_id = 6 THEN family[1 + k * 523 % 800 % 20] || given[1 + k * 523 % 800 / 20]
            ELSE first[1 + k * 1009 % 2400 % 40] || ' ' || last[1 + k * 1009 % 2400 / 40] END AS full_name,
       CASE WHEN region_id = 6 THEN given_latin[1 + k * 523 % 800 / 20] || '.' || family_latin[1 + k * 523 % 800 % 20]
            ELSE lower(first[1 + k * 1009 % 2400 % 40] || '.' || last[1 + k * 1009 % 2400 / 40]) END AS mailbox
FROM counted CROSS JOIN pool;

INSERT INTO shop.customers (customer_id, full_name, email, phone, birth_date, segment, region_id, signup_date, newsletter)
SELECT n, full_name, mailbox || n % 97 || '@' || pg_temp.pick('mail domain', n, ARRAY['example.com', 'example.org', 'example.net']),
       CASE WHEN pg_temp.u('has phone', n) < 0.85 THEN
           (ARRAY['+49 30 23125', '+46 8 465004', '+31 20 55501', '+33 1 9900', '+34 91 5550', '+86 10 5550'])[region_id]
           || lpad(floor(pg_temp.u('phone', n) * 1000)::text, 3, '0') END,
       CASE WHEN segment = 'consumer' AND pg_temp.u('has birth date', n) < 0.9
            THEN pg_temp.end_date() - 6700 - floor(pg_temp.u('birth date', n) * 20000)::int END,
       segment, region_id,
       CASE WHEN first_order IS NULL THEN pg_temp.end_date() - floor(pg_temp.u('signup', n) * 700)::int
            WHEN n <= 1150 THEN first_order - floor(pg_temp.u('signup', n) * 500)::int
            ELSE first_order - floor(pg_temp.u('signup', n) * 20)::int END,
       pg_temp.u('newsletter', n) < 0.4
FROM person
CROSS JOIN LATERAL (SELECT CASE WHEN pg_temp.u('segment', n) < 0.12 THEN 'business' ELSE 'consumer' END AS segment) AS kind
LEFT JOIN (SELECT customer_id, min(order_date) AS first_order FROM spine GROUP BY customer_id) AS history ON history.customer_id = n;

-- Everybody has a shipping address, every fourth customer another one for invoices.
INSERT INTO shop.addresses (address_id, customer_id, kind, street, city, postal_code, country_code)
SELECT customer_id + CASE kind WHEN 'billing' THEN 2500 ELSE 0 END, customer_id, kind::shop.address_kind,
       pg_temp.pick(kind || ' street', customer_id, ARRAY['Market Street', 'Station Road', 'Garden Lane', 'Harbour Street', 'Mill Road', 'Park Avenue',
                                                          'School Lane', 'Church Street', 'Lake View', 'Hill Road'])
       || ' ' || 1 + floor(pg_temp.u(kind || ' house', customer_id) * 120)::int,
       split_part(place, '/', 2), (10000 + floor(pg_temp.u(kind || ' postal code', customer_id) * 89999))::int::text, split_part(place, '/', 1)
FROM shop.customers
CROSS JOIN unnest(ARRAY['shipping', 'billing']) AS kind
CROSS JOIN LATERAL (SELECT pg_temp.pick('city', customer_id, string_to_array((ARRAY[
    'DE/Berlin,DE/Hamburg,DE/Munich,DE/Cologne,DE/Leipzig,AT/Vienna,AT/Graz,CH/Zurich,CH/Basel',
    'SE/Stockholm,SE/Gothenburg,DK/Copenhagen,NO/Oslo,FI/Helsinki',
    'NL/Amsterdam,NL/Rotterdam,NL/Utrecht,BE/Brussels,BE/Antwerp,LU/Luxembourg',
    'FR/Paris,FR/Lyon,FR/Marseille,FR/Toulouse,FR/Lille',
    'ES/Madrid,ES/Barcelona,ES/Valencia,PT/Lisbon,PT/Porto',
    'CN/Shanghai,CN/Beijing,CN/Shenzhen,CN/Hangzhou,HK/Hong Kong,TW/Taipei'])[region_id], ',')) AS place) AS town
WHERE kind = 'shipping' OR customer_id % 4 = 0;

-- Orders and what follows from them ------------------------------------------------------------------------------------

INSERT INTO shop.orders (order_id, customer_id, region_id, order_date, status, channel, shipping_address_id, employee_id)
SELECT order_id, customer_id, region_id, order_date,
       (CASE WHEN pg_temp.u('cancelled', order_id) < CASE channel WHEN 'web' THEN 0.05 WHEN 'app' THEN 0.08 ELSE 0.02 END THEN 'cancelled'
             WHEN age < 2 * pg_temp.u('payment lag', order_id) THEN 'pending'
             WHEN age < 1 + 3 * pg_temp.u('shipping lag', order_id) THEN 'paid'
             WHEN age < 4 + 6 * pg_temp.u('delivery lag', order_id) THEN 'shipped'
             ELSE 'delivered' END)::shop.order_status,
       channel, customer_id,
       CASE WHEN channel = 'phone' THEN 2 + region_id + 6 * (1 + floor(pg_temp.u('agent', order_id) * 4)::int) - 1 END
FROM spine
JOIN shop.customers USING (customer_id)
CROSS JOIN LATERAL (
    SELECT pg_temp.end_date() - order_date AS age,
           CASE WHEN c < 0.09 THEN 'phone' WHEN c < CASE region_id WHEN 6 THEN 0.75 ELSE 0.40 END THEN 'app' ELSE 'web' END AS channel
    FROM (SELECT pg_temp.u('channel', order_id) AS c) AS chance
) AS derived;

-- 228 of the 240 products are ever ordered. Within one order the products differ: steps of at most 56 can't come round in four.
INSERT INTO shop.order_items (order_item_id, order_id, product_id, quantity, unit_price, discount_percent)
SELECT item, order_id, product_id,
       CASE WHEN segment = 'business' THEN 2 + floor(pg_temp.u('item quantity', item) * 6)::int
            WHEN pg_temp.u('item quantity', item) < 0.75 THEN 1 ELSE 2 END,
       round(price * (1 - 0.03 * ((pg_temp.end_date() - order_date) / 365)), 2),
       CASE WHEN pg_temp.u('item discount', item) < 0.80 THEN 0 WHEN pg_temp.u('item discount', item) < 0.94 THEN 10 ELSE 20 END
FROM (
    SELECT row_number() OVER (ORDER BY order_id, line)::int AS item, order_id, order_date, customer_id,
           (floor(228 * power(pg_temp.u('order product', order_id), 1.5))::int
            + (line - 1) * (1 + floor(pg_temp.u('order step', order_id) * 56)::int)) % 228 * 77 % 240 + 1 AS product_id
    FROM spine CROSS JOIN LATERAL generate_series(1, lines) AS line
) AS item
JOIN shop.products USING (product_id)
JOIN shop.customers USING (customer_id);

UPDATE shop.orders SET total_amount = lines.total
FROM (SELECT order_id, sum(line_total) AS total FROM shop.order_items GROUP BY order_id) AS lines
WHERE orders.order_id = lines.order_id AND orders.status <> 'cancelled';

INSERT INTO shop.payments (payment_id, order_id, method, amount, payment_date, card_number)
SELECT row_number() OVER (ORDER BY order_id)::int, order_id, method::shop.payment_method, total_amount,
       least(order_date + CASE WHEN method = 'bank_transfer' THEN floor(pg_temp.u('payment days', order_id) * 4)::int ELSE 0 END, pg_temp.end_date()),
       CASE WHEN method = 'card' THEN card_number END
FROM shop.orders
JOIN (SELECT customer_id,
             pg_temp.with_check_digit(pg_temp.pick('card range', customer_id, ARRAY['400000', '555555', '222300'])
                                      || lpad(floor(pg_temp.u('card', customer_id) * 1000000000)::bigint::text, 9, '0')) AS card_number
      FROM shop.customers) AS payer USING (customer_id)
CROSS JOIN LATERAL (SELECT pg_temp.pick('payment method', order_id, string_to_array(
    CASE region_id WHEN 6 THEN 'alipay,alipay,alipay,wechat_pay,wechat_pay,wechat_pay,card'
                   ELSE 'card,card,card,card,paypal,paypal,paypal,bank_transfer' END, ',')) AS method) AS choice
WHERE status NOT IN ('pending', 'cancelled');

INSERT INTO shop.shipments (shipment_id, order_id, warehouse_id, carrier, shipped_date, delivered_date)
SELECT row_number() OVER (ORDER BY order_id)::int, order_id,
       CASE WHEN region_id = 6 THEN 4 WHEN region_id = 2 THEN 2 WHEN region_id IN (4, 5) THEN 3 ELSE 1 END,
       CASE WHEN region_id = 6 THEN 'SF Express' ELSE pg_temp.pick('carrier', order_id, ARRAY['DHL', 'DHL', 'UPS', 'GLS']) END,
       shipped, CASE WHEN status = 'delivered' THEN least(shipped + 1 + floor(pg_temp.u('transit', order_id) * 5)::int, pg_temp.end_date()) END
FROM shop.orders
CROSS JOIN LATERAL (SELECT least(order_date + 1 + floor(pg_temp.u('dispatch', order_id) * 2)::int, pg_temp.end_date()) AS shipped) AS dispatch
WHERE status IN ('shipped', 'delivered');

INSERT INTO shop.returns (return_id, order_item_id, return_date, reason, refund_amount)
SELECT row_number() OVER (ORDER BY order_item_id)::int, order_item_id,
       least(delivered_date + 1 + floor(pg_temp.u('return days', order_item_id) * 28)::int, pg_temp.end_date()),
       pg_temp.pick('return reason', order_item_id,
                    ARRAY['damaged', 'wrong item', 'not as described', 'not as described', 'changed mind', 'changed mind', 'late delivery', NULL]),
       line_total
FROM shop.order_items
JOIN shop.shipments USING (order_id)
JOIN shop.products USING (product_id)
WHERE delivered_date IS NOT NULL
  AND pg_temp.u('returned', order_item_id) < CASE category_id WHEN 19 THEN 0.14 WHEN 20 THEN 0.17 ELSE 0.035 END;

INSERT INTO shop.reviews (review_id, product_id, customer_id, rating, review_date, review_text)
SELECT row_number() OVER (ORDER BY order_item_id)::int, product_id, customer_id, rating,
       least(delivered_date + 2 + floor(pg_temp.u('review days', order_item_id) * 20)::int, pg_temp.end_date()),
       CASE WHEN pg_temp.u('has text', order_item_id) < 0.5
            THEN (ARRAY['Broke after a week', 'Not what I hoped for', 'It is all right', 'Good value', 'Very happy with it'])[rating] END
FROM shop.order_items
JOIN shop.orders USING (order_id)
JOIN shop.shipments USING (order_id)
CROSS JOIN LATERAL (
    -- Every product has a level of its own around which its ratings lie.
    SELECT greatest(1, least(5, round(3.1 + 1.2 * pg_temp.u('product quality', product_id) + 4.6 * (pg_temp.u('rating', order_item_id) - 0.48))))::int AS rating
) AS opinion
WHERE delivered_date IS NOT NULL
  AND pg_temp.u('reviewed', order_item_id) < 0.04 + 0.08 * pg_temp.u('product reviews', product_id);

-- Indexes of foreign keys (those that no primary or unique key covers) and of dates ------------------------------------------

CREATE INDEX ON shop.employees (region_id);
CREATE INDEX ON shop.employees (manager_id);
CREATE INDEX ON shop.customers (region_id);
CREATE INDEX ON shop.addresses (customer_id);
CREATE INDEX ON shop.categories (parent_category_id);
CREATE INDEX ON shop.products (category_id);
CREATE INDEX ON shop.products (supplier_id);
CREATE INDEX ON shop.warehouses (region_id);
CREATE INDEX ON shop.inventory (product_id);
CREATE INDEX ON shop.orders (customer_id);
CREATE INDEX ON shop.orders (region_id);
CREATE INDEX ON shop.orders (order_date);
CREATE INDEX ON shop.orders (shipping_address_id);
CREATE INDEX ON shop.orders (employee_id);
CREATE INDEX ON shop.order_items (product_id);
CREATE INDEX ON shop.payments (payment_date);
CREATE INDEX ON shop.shipments (warehouse_id);
CREATE INDEX ON shop.reviews (product_id);
CREATE INDEX ON shop.reviews (customer_id);

ANALYZE shop.regions, shop.employees, shop.customers, shop.addresses, shop.categories, shop.suppliers, shop.products, shop.warehouses,
        shop.inventory, shop.orders, shop.order_items, shop.payments, shop.shipments, shop.returns, shop.reviews;

DROP TABLE pg_temp.person, pg_temp.spine;
DROP FUNCTION pg_temp.with_check_digit(text), pg_temp.pick(text, bigint, text[]), pg_temp.u(text, bigint), pg_temp.end_date();
RESET shop.end_date;
