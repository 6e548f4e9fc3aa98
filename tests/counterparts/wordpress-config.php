<?php
// wp-config.php of the test site: all that changes comes from the environment.
define('DB_NAME', 'club');
define('DB_USER', 'club');
define('DB_PASSWORD', 'club');
define('DB_HOST', getenv('CLUB_DATABASE'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $use) {
    define("{$use}_KEY", "test-key-$use");
    define("{$use}_SALT", "test-salt-$use");
}
$table_prefix = 'wp_';
define('WP_HOME', getenv('CLUB_URL'));
define('WP_SITEURL', getenv('CLUB_URL'));
define('WP_ENVIRONMENT_TYPE', 'local'); // application passwords also without https
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HTTP_BLOCK_EXTERNAL', true); // it calls nobody
define('FS_METHOD', 'direct');
if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
