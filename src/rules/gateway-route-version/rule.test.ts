import { testRule } from '../../../test/support/rule-tester.ts';
import { gatewayRouteVersion } from './rule.ts';

testRule(gatewayRouteVersion, import.meta.dirname);
