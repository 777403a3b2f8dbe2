-- Before anything is made: PL/Python hands the text of statements to the server as UTF-8, whatever the encoding of the database.
do $plpgsql$
declare
    encoding constant text := pg_catalog.current_setting('server_encoding');
begin
    if encoding operator(pg_catalog.<>) 'UTF8' then
        raise exception using
            errcode = '0A000',
            message = pg_catalog.format('nl2sql needs a database whose encoding is UTF8, and this one is %s', encoding),
            detail = 'Nothing was installed: in another encoding statements with letters beyond ASCII would find other rows, or none.',
            hint = 'Make one with CREATE DATABASE ... TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C'', or another locale for UTF8, and '
                'restore a dump of this database there: it is converted.';
    end if;
end
$plpgsql$;
