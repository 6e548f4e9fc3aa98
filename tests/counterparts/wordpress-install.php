<?php
// Installs the site with an account for each role; prints their application passwords as JSON.
// Usage: php wordpress-install.php HTML_FOLDER
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('CLUB_URL'), PHP_URL_HOST) . ':' . parse_url(getenv('CLUB_URL'), PHP_URL_PORT);
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_URI'] = '/';
ob_start();
require $argv[1] . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter('pre_wp_mail', '__return_true');
wp_install('Club', 'administrator', 'administrator@example.org', true, '', 'pw-administrator');
update_option('permalink_structure', '/%postname%/');
flush_rewrite_rules();
$passwords = [];
foreach (['administrator', 'editor', 'author', 'contributor', 'subscriber'] as $role) {
    $user = get_user_by('login', $role);
    $id = $user ? $user->ID : wp_insert_user(['user_login' => $role, 'user_pass' => "pw-$role",
        'user_email' => "$role@example.org", 'role' => $role]);
    [$passwords[$role]] = WP_Application_Passwords::create_new_application_password($id, ['name' => 'fallback-cast']);
}
ob_end_clean();
echo json_encode($passwords);
