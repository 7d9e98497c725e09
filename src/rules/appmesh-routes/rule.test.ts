import { testRule } from '../../../test/support/rule-tester.ts';
import { appMeshRoutes } from './rule.ts';

testRule(appMeshRoutes, import.meta.dirname);
